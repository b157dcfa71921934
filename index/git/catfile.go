package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"

	"github.com/regsnap/regsnap/index"
)

const (
	// maxObject is the largest object that is read into memory, in bytes.
	// CheckFiles refuses packages with files that large long before.
	maxObject = 1 << 30
	// keepBuffer is how much memory a process's buffer may keep between reads.
	keepBuffer = 16 << 20
	// inlineRequest is how many bytes of requests are written with nobody
	// reading the answers yet: what any pipe takes without blocking
	// (PIPE_BUF of pipe(7)).
	inlineRequest = 4096
	// idLine is the length of one request, an id and a newline.
	idLine = 2*len(index.ID{}) + 1
)

// object is what git answered about one id. Content is only set by processes
// that give contents, and is valid until the next object is read.
type object struct {
	id      index.ID
	typ     objectType
	size    int64
	missing bool
	content []byte
}

// catFile is a running "git cat-file --batch" or "--batch-check": it is sent
// ids, one a line, and answers each in turn (git-cat-file(1), "BATCH OUTPUT").
// One goroutine at a time may use it.
type catFile struct {
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	stderr   *tail
	contents bool
	buf      []byte
}

func startCatFile(dir string, env []string, contents bool) (*catFile, error) {
	mode := "--batch-check"
	if contents {
		mode = "--batch"
	}
	c := &catFile{cmd: exec.Command("git", "cat-file", mode), stderr: new(tail), contents: contents}
	c.cmd.Dir, c.cmd.Env, c.cmd.Stderr = dir, env, c.stderr
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("git cat-file: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, gitError(context.Background(), "cat-file", err, c.stderr)
	}
	c.in, c.out = in, bufio.NewReaderSize(out, 64<<10)
	return c, nil
}

// stop ends the process. It is safe to call in the middle of anything. What git may
// have started ends with its input.
func (c *catFile) stop() error {
	c.in.Close()
	c.cmd.Process.Kill()
	return c.cmd.Wait()
}

// read asks for ids and calls fn with each answer, in order. After an error
// the process is of no more use: its answers are out of step.
func (c *catFile) read(ctx context.Context, ids []index.ID, fn func(object) error) error {
	// Killing the process makes reads from it end, so nothing below
	// needs to look at ctx.
	unwatch := context.AfterFunc(ctx, func() { c.cmd.Process.Kill() })
	defer unwatch()

	// git answers while it is still being asked. With more ids than the
	// pipe holds, both sides would wait for each other to read, if
	// writing and reading were not done by two goroutines.
	asked := make(chan error, 1)
	if len(ids)*idLine <= inlineRequest {
		asked <- c.ask(ids)
	} else {
		go func() { asked <- c.ask(ids) }()
	}
	for _, id := range ids {
		obj, err := c.next(id)
		if err == nil {
			err = fn(obj)
		} else if ctxErr := ctx.Err(); ctxErr != nil {
			err = ctxErr
		}
		if err != nil {
			c.cmd.Process.Kill() // ends a writer that waits
			<-asked
			return err
		}
	}
	if err := <-asked; err != nil {
		return fmt.Errorf("git cat-file: send ids: %w", err)
	}
	if length := cap(c.buf); length > keepBuffer {
		c.buf = nil
		giveBack(length)
	}
	if !unwatch() { // it was, or is about to be, killed: nobody may use it again
		return ctx.Err()
	}
	return nil
}

func (c *catFile) ask(ids []index.ID) error {
	w := bufio.NewWriterSize(c.in, inlineRequest)
	for _, id := range ids {
		w.WriteString(id.String()) // a failure stays in w, and Flush returns it
		w.WriteByte('\n')
	}
	return w.Flush()
}

// next reads the answer about id: "<id> missing", or "<id> <type> <size>" with,
// when contents were asked for, the content and a newline after it.
func (c *catFile) next(id index.ID) (object, error) {
	line, err := c.out.ReadSlice('\n')
	if err != nil {
		return object{}, c.broken(id, err)
	}
	fields := bytes.Fields(line)
	if len(fields) == 2 && string(fields[1]) == "missing" {
		return object{id: id, missing: true}, nil
	}
	if len(fields) != 3 || string(fields[0]) != id.String() {
		return object{}, fmt.Errorf("git cat-file: asked for %s, it answered %.100q", id, line)
	}
	size, err := strconv.ParseInt(string(fields[2]), 10, 64)
	if err != nil || size < 0 {
		return object{}, fmt.Errorf("git cat-file: object %s: it gave the size %.40q", id, fields[2])
	}
	obj := object{id: id, typ: objectType(fields[1]), size: size}
	if !c.contents {
		return obj, nil
	}
	if size > maxObject {
		return object{}, fmt.Errorf("object %s has %d bytes: objects over %d bytes are not read", id, size, maxObject)
	}
	if int(size)+1 > cap(c.buf) {
		c.buf = make([]byte, max(int(size)+1, min(2*cap(c.buf), keepBuffer)))
	}
	c.buf = c.buf[:size+1]
	if _, err := io.ReadFull(c.out, c.buf); err != nil {
		return object{}, c.broken(id, err)
	}
	obj.content = c.buf[:size:size]
	// git gives what the store has under the id, and does not look at whether it
	// is what the id stands for: that a clone is damaged, or was tampered with,
	// must not be found out by who reads the bucket.
	if got := ObjectID(obj.typ, obj.content); got != id {
		return object{}, fmt.Errorf("%s %s: %w: the clone has the content of %s in its place: it is damaged or was tampered with; clone it again (git fsck finds what else is wrong)", obj.typ, id, ErrBadObject, got)
	}
	return obj, nil
}

// broken is the error of a process that ended in the middle of an answer. Git
// dies so when an object is damaged, and says which on its standard error.
func (c *catFile) broken(id index.ID, err error) error {
	c.stop() // for all of stderr
	if said := c.stderr.String(); said != "" {
		return fmt.Errorf("object %s: git cat-file: %s (`git fsck` tells what else is damaged)", id, said)
	}
	return fmt.Errorf("object %s: git cat-file ended: %w", id, err)
}

// catFilePool runs up to a number of cat-file processes and lends them out.
// They start when needed and stay for the next who needs one.
type catFilePool struct {
	dir      string
	env      []string
	contents bool
	slots    chan struct{} // one value for each process lent out

	mu     sync.Mutex
	idle   []*catFile
	closed bool
}

func newCatFilePool(dir string, env []string, contents bool, size int) *catFilePool {
	return &catFilePool{dir: dir, env: env, contents: contents, slots: make(chan struct{}, size)}
}

// read has one process read ids; see catFile.read. It waits while all are lent
// out, so fn must not read from the same pool.
func (p *catFilePool) read(ctx context.Context, ids []index.ID, fn func(object) error) error {
	if len(ids) == 0 {
		return nil
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := p.take()
	if err != nil {
		return err
	}
	if err := c.read(ctx, ids, fn); err != nil {
		c.stop()
		return err
	}
	p.giveBack(c)
	return nil
}

var errSourceClosed = fmt.Errorf("the source is closed: %w", os.ErrClosed)

func (p *catFilePool) take() (*catFile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errSourceClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return c, nil
	}
	return startCatFile(p.dir, p.env, p.contents)
}

func (p *catFilePool) giveBack(c *catFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.stop()
		return
	}
	p.idle = append(p.idle, c)
}

// close ends the processes that nobody uses, and those in use when they are
// given back.
func (p *catFilePool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, c := range p.idle {
		// Killed is how they are meant to end.
		var exit *exec.ExitError
		if err := c.stop(); err != nil && !errors.As(err, &exit) {
			errs = append(errs, fmt.Errorf("end git cat-file: %w", err))
		}
	}
	p.idle = nil
	return errors.Join(errs...)
}
