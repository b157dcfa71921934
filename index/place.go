package index

// place says whose findings they are.
func (e Entry) Place(problems []Problem) []Problem {
	for i := range problems {
		p := &problems[i]
		p.Branch, p.Package, p.Version = e.Branch, e.Name, e.Version
		switch {
		case p.File == "":
			p.File = e.Path
		case e.IsArchive():
			p.File = e.Path + "!" + p.File
		default:
			// Not path.Join: a hostile name is to be shown as it is.
			p.File = e.Path + "/" + p.File
		}
	}
	return problems
}
