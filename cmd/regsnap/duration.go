package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// timeValue is the value of a flag that is a length of time: 10s, 90m, 36h, 14d,
// 2w, and sums of them. Go's own durations know no days.
type timeValue time.Duration

func (v *timeValue) Set(s string) error {
	d, err := parseTime(s)
	if err != nil {
		return err
	}
	*v = timeValue(d)
	return nil
}

func (v *timeValue) String() string { return timeText(time.Duration(*v)) }

// timeOf is a flag that timeFlag has made.
func timeOf(c *cli.Context, name string) time.Duration {
	v, _ := c.Generic(name).(*timeValue)
	if v == nil {
		return 0
	}
	return time.Duration(*v)
}

var (
	daysPart = regexp.MustCompile(`^([0-9]{1,5}(?:\.[0-9]{1,3})?)(w|d)`)
	longest  = 100 * 365 * 24 * time.Hour
)

// parseTime reads a length of time. Weeks and days come before hours.
func parseTime(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a length of time such as 30s, 10m, 12h, 14d or 2w", s)
	rest, sum := s, time.Duration(0)
	for last := ""; ; {
		m := daysPart.FindStringSubmatch(rest)
		if m == nil {
			break
		}
		if m[2] == last || last == "d" {
			return 0, wrong
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, wrong
		}
		unit := 24 * time.Hour
		if m[2] == "w" {
			unit *= 7
		}
		sum, rest, last = sum+time.Duration(n*float64(unit)), rest[len(m[0]):], m[2]
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || strings.ContainsAny(rest[:1], "+-") && sum > 0 {
			return 0, wrong
		}
		sum += d
	} else if s == "" {
		return 0, wrong
	}
	if sum < 0 || sum > longest {
		return 0, fmt.Errorf("%q is negative, or more than 100 years", s)
	}
	return sum, nil
}

// timeText writes a length of time as parseTime reads it, without units that are 0.
func timeText(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := d / unit.size; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d -= n * unit.size
		}
	}
	if d > 0 {
		b.WriteString(d.String())
	}
	return b.String()
}
