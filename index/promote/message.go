package promote

import (
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// Trailers of the commits, as git interpret-trailers reads them: where packages
// came from or went to, which content they had, and what moved them.
const (
	trailerPackage = "Promoted-Package"
	trailerRemoved = "Removed-Package"
	trailerFrom    = "Promoted-From"
	trailerTo      = "Promoted-To"
	trailerTool    = "Promoted-With"

	trailerAdded     = "Added-Package"
	trailerAddedWith = "Added-With"
)

// message is a commit's message: a subject, and trailers.
type message struct {
	subject  string
	trailers []string
}

func (m *message) trailer(key, format string, args ...any) {
	m.trailers = append(m.trailers, key+": "+fmt.Sprintf(format, args...))
}

func (m *message) String() string {
	return m.subject + "\n\n" + strings.Join(m.trailers, "\n") + "\n"
}

func (m *message) packages(key string, entries []index.Entry) {
	for _, e := range entries {
		id := e.Tree
		if e.IsArchive() {
			id = e.Archive
		}
		m.trailer(key, "%s-%s %s", e.Name, e.Version, id)
	}
}

// listing names packages as far as a subject has room for them.
func listing(entries []index.Entry) string {
	const most = 2
	var names []string
	for i, e := range entries {
		if i == most && len(entries) > most+1 {
			return fmt.Sprintf("%s and %d more packages", strings.Join(names, ", "), len(entries)-most)
		}
		names = append(names, e.Name+"-"+e.Version)
	}
	return strings.Join(names, ", ")
}

func addMessage(moved []index.Entry, from *state, to, tool string) string {
	m := message{subject: fmt.Sprintf("Promote %s from %s to %s", listing(moved), from.branch.Name, to)}
	m.packages(trailerPackage, moved)
	m.trailer(trailerFrom, "%s %s", from.branch.Name, from.id)
	m.trailer(trailerTool, "regsnap %s", tool)
	return m.String()
}

func removeMessage(moved, older []index.Entry, to string, commit index.ID, tool string) string {
	what := moved
	if len(what) == 0 {
		what = older
	}
	m := message{subject: fmt.Sprintf("Remove %s, promoted to %s", listing(what), to)}
	m.packages(trailerPackage, moved)
	m.packages(trailerRemoved, older)
	m.trailer(trailerTo, "%s %s", to, commit)
	m.trailer(trailerTool, "regsnap %s", tool)
	return m.String()
}
