package pack

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// scripted gives what each step says, and at their end io.EOF.
type scripted []struct {
	text string
	err  error
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(*s) == 0 {
		return 0, io.EOF
	}
	now := (*s)[0]
	*s = (*s)[1:]
	return copy(p, now.text), now.err
}

// TestExactly: a part gives as many bytes as it should, and no error of its reader is lost,
// wherever that comes: with the last bytes, after them, or in the place of some.
func TestExactly(t *testing.T) {
	broken := errors.New("the disk is broken")
	for what, c := range map[string]struct {
		steps scripted
		toEnd bool
		want  string
		fails string
	}{
		"all at once":                {scripted{{"1234", nil}}, true, "1234", ""},
		"its end with it":            {scripted{{"1234", io.EOF}}, true, "1234", ""},
		"in pieces":                  {scripted{{"12", nil}, {"", nil}, {"34", nil}}, true, "1234", ""},
		"less":                       {scripted{{"123", nil}}, true, "123", "1 bytes are missing"},
		"less, its end with it":      {scripted{{"123", io.EOF}}, true, "123", "1 bytes are missing"},
		"more":                       {scripted{{"1234", nil}, {"5", nil}}, true, "", "more bytes than there should be"},
		"a part of it":               {scripted{{"1234", nil}, {"5", nil}}, false, "1234", ""},
		"an error with the last":     {scripted{{"1234", broken}}, true, "1234", "the disk is broken"},
		"an error with the last, of": {scripted{{"1234", broken}}, false, "1234", "the disk is broken"},
		"an error after the last":    {scripted{{"1234", nil}, {"", broken}}, true, "", "the disk is broken"},
		"after what is wanted":       {scripted{{"1234", nil}, {"", broken}}, false, "1234", ""},
		"an error before the last":   {scripted{{"12", nil}, {"", broken}}, true, "12", "the disk is broken"},
		"an error with some":         {scripted{{"12", broken}, {"34", nil}}, true, "12", "the disk is broken"},
	} {
		e := &exactly{r: &c.steps, left: 4, part: part{file: &file{name: "a.pack"}, span: span{offset: 7}}, toEnd: c.toEnd}
		got, err := io.ReadAll(e)
		if string(got) != c.want || (err == nil) != (c.fails == "") {
			t.Errorf("%s: %q, %v", what, got, err)
		}
		if err != nil && (!errors.Is(err, errDamaged) || !strings.Contains(err.Error(), c.fails) || !strings.HasPrefix(err.Error(), "a.pack: ")) {
			t.Errorf("%s: %v, want %s", what, err, c.fails)
		}
	}
	// What is stored is read to its end, where its sum is compared, also if what it inflates to
	// ended before.
	for _, want := range []error{nil, broken} {
		stored := &scripted{{"more", nil}, {"", want}}
		got, err := io.ReadAll(&inflating{r: strings.NewReader("text"), stored: stored})
		if string(got) != "text" || !errors.Is(err, want) || want == nil && err != nil || len(*stored) != 0 {
			t.Errorf("%q, %v, want %v", got, err, want)
		}
	}
}
