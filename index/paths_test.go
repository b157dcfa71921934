package index

import (
	"fmt"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
)

func TestCheckFiles(t *testing.T) {
	file := func(path string) File { return File{Path: path, Size: 1} }
	limits := Limits{FileSize: 100, Files: 3, TotalSize: 150}
	tests := map[string]struct {
		files []File
		want  []string // with limits
	}{
		"nothing":             {},
		"good":                {files: []File{file("a b/[c]"), file("a b/é.yml"), file(strings.Repeat("x", MaxElement))}},
		"just not too long":   {files: []File{file(strings.Repeat("x/", 449) + "xx")}},
		"just not too large":  {files: []File{{Path: "a", Size: 75}, {Path: "b", Size: 75}}},
		"executable":          {files: []File{{Path: "run", Mode: Executable, Size: 100}}},
		"symlink":             {files: []File{{Path: "a", Mode: Symlink}}, want: []string{"a: is a symbolic link: put the file itself there [symlink]"}},
		"submodule":           {files: []File{{Path: "a", Mode: Submodule}}, want: []string{"a: is a git submodule: put the files themselves there [submodule]"}},
		"irregular":           {files: []File{{Path: "a", Mode: Irregular}}, want: []string{"a: is not a regular file: remove it [irregular-file]"}},
		"missing":             {files: []File{{Path: "a", Size: -1, Blob: ID{0xab}}}, want: []string{"a: its content, git object ab00000000000000000000000000000000000000, is missing from the source: fetch the whole repository [object-missing]"}},
		"too large":           {files: []File{{Path: "a", Size: 101}}, want: []string{"a: has 101 bytes: a file may have 100 [file-size]"}},
		"too many":            {files: []File{file("a"), file("b"), file("c"), file("d")}, want: []string{"the package has 4 files: it may have 3 [file-count]"}},
		"together too large":  {files: []File{{Path: "a", Size: 76}, {Path: "b", Size: 75}}, want: []string{"the files of the package have together over 150 bytes, the most they may have [package-size]"}},
		"up":                  {files: []File{file("a/../b")}, want: []string{`a/../b: the path has the element "..", which means something else than a name [path-element]`}},
		"here":                {files: []File{file("./b")}, want: []string{`./b: the path has the element ".", which means something else than a name [path-element]`}},
		"git":                 {files: []File{file("x/.Git/config")}, want: []string{`x/.Git/config: the path has the element ".Git", which means something else than a name [path-element]`}},
		"absolute":            {files: []File{file("/etc/passwd")}, want: []string{"/etc/passwd: the path has an element without a name [path-element]"}},
		"empty element":       {files: []File{file("a//b")}, want: []string{"a//b: the path has an element without a name [path-element]"}},
		"empty":               {files: []File{file("")}, want: []string{"the path has an element without a name [path-element]"}},
		"trailing slash":      {files: []File{file("a/")}, want: []string{"a/: the path has an element without a name [path-element]"}},
		"NUL":                 {files: []File{file("a\x00b")}, want: []string{"a\ufffdb: the path has a control character: rename it [path-character]"}},
		"line break":          {files: []File{file("a\nb")}, want: []string{"a\ufffdb: the path has a control character: rename it [path-character]"}},
		"C1 control":          {files: []File{file("a\u0085b")}, want: []string{"a\ufffdb: the path has a control character: rename it [path-character]"}},
		"backslash":           {files: []File{file(`a\b`)}, want: []string{`a\b: the path has a backslash, which separates directories for some: rename it [path-character]`}},
		"not UTF-8":           {files: []File{file("a\xff")}, want: []string{"a\ufffd: the path is not UTF-8: rename it [path-character]"}},
		"long element":        {files: []File{file("a/" + strings.Repeat("x", 221))}, want: []string{"a/" + strings.Repeat("x", 221) + ": an element of the path has 221 bytes: it may have 220 [path-length]"}},
		"long path":           {files: []File{file(strings.Repeat("x/", 450) + "x")}, want: []string{strings.Repeat("x/", 150) + "…: the path has 901 bytes: it may have 900 [path-length]"}},
		"twice":               {files: []File{file("a"), file("a")}, want: []string{"a: the path is there twice [path-duplicate]"}},
		"case":                {files: []File{file("docs/README.md"), file("docs/readme.md")}, want: []string{`docs/readme.md: differs from "docs/README.md" by upper and lower case alone: where case does not count one would replace the other [path-collision]`}},
		"case beyond ASCII":   {files: []File{file("É"), file("é")}, want: []string{`é: differs from "É" by upper and lower case alone: where case does not count one would replace the other [path-collision]`}},
		"case across":         {files: []File{file("k"), file("\u212a")}, want: []string{"\u212a: differs from \"k\" by upper and lower case alone: where case does not count one would replace the other [path-collision]"}},
		"long s":              {files: []File{file("\u017f"), file("S")}, want: []string{"S: differs from \"\u017f\" by upper and lower case alone: where case does not count one would replace the other [path-collision]"}},
		"file and directory":  {files: []File{file("a"), file("a/b/c")}, want: []string{"a: is a file, and also a directory that holds files [path-duplicate]"}},
		"file and directory2": {files: []File{file("a/b/c"), file("a/b")}, want: []string{"a/b: is a file, and also a directory that holds files [path-duplicate]"}},
		"sizes that overflow": {files: []File{{Path: "a", Size: 1 << 62}, {Path: "b", Size: 1 << 62}}, want: []string{
			"a: has 4611686018427387904 bytes: a file may have 100 [file-size]", "b: has 4611686018427387904 bytes: a file may have 100 [file-size]",
			"the files of the package have together over 150 bytes, the most they may have [package-size]",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range CheckFiles(test.files, limits).Errors {
				got = append(got, strings.TrimPrefix(p.String(), ": "))
			}
			indextest.Compare(t, "findings", got, test.want)
		})
	}
}

func TestCheckFilesDefaults(t *testing.T) {
	var files []File
	for i := range DefaultFiles {
		files = append(files, File{Path: fmt.Sprint(i), Size: 1})
	}
	files[0].Size = DefaultFileSize
	if got := CheckFiles(files, Limits{}).Errors; len(got) > 0 {
		t.Errorf("within the defaults: %v", got)
	}
	files = append(files, File{Path: "more", Size: DefaultFileSize + 1})
	if got := CheckFiles(files, Limits{}).Errors; len(got) != 2 || got[0].Rule != RuleFileSize || got[1].Rule != RuleFileCount {
		t.Errorf("over the defaults: %v", got)
	}
}
