package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func yesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask on a terminal"}
}

// errDeclined: the person at the terminal said no.
var errDeclined = errors.New("nothing was changed")

// asks reports whether a person can be asked, and wants to be.
func asks(c *cli.Context) bool {
	f, ok := unwrapped(c.App.ErrWriter).(*os.File)
	return !c.Bool("yes") && !c.Bool("json") && ok && term.IsTerminal(int(f.Fd())) && term.IsTerminal(int(os.Stdin.Fd()))
}

// confirm asks, where a person can be asked; elsewhere the answer is yes.
func confirm(c *cli.Context, question string) error {
	if !asks(c) {
		return nil
	}
	return answered(os.Stdin, unwrapped(c.App.ErrWriter), question)
}

// answered puts a question and reads the answer; anything but yes is no.
func answered(from io.Reader, to io.Writer, question string) error {
	fmt.Fprintf(to, "%s [y/N] ", question)
	line, err := bufio.NewReader(from).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errDeclined
}
