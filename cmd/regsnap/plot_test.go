//go:build bench

package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// growthPlot draws time and size over the number of package versions, both axes
// logarithmic: what grows with the registry rises like the dotted line.
func growthPlot(grown []growth) []byte {
	var w bytes.Buffer
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" width="860" height="390" viewBox="0 0 860 390" font-family="sans-serif" font-size="12">`+"\n")
	fmt.Fprintln(&w, `<rect width="860" height="390" fill="#ffffff"/>`)
	seconds := func(f func(growth) measured) func(growth) float64 {
		return func(g growth) float64 { return f(g).wall.Seconds() }
	}
	mega := func(f func(growth) int64) func(growth) float64 {
		return func(g growth) float64 { return float64(f(g)) / 1e6 }
	}
	cold := func(g growth) measured { return g.cold }
	push := func(g growth) measured { return g.push }
	plotPanel(&w, 70, "seconds", grown, []curve{
		{"three environments from nothing", "#b04a00", seconds(cold)},
		{"a push of one package version", "#0058a3", seconds(push)},
	})
	plotPanel(&w, 510, "megabytes", grown, []curve{
		{"memory, from nothing", "#b04a00", mega(func(g growth) int64 { return g.cold.rss })},
		{"memory, a push", "#0058a3", mega(func(g growth) int64 { return g.push.rss })},
		{"written by a push", "#5b8c00", mega(func(g growth) int64 { return g.push.Stats.Bytes })},
		{"routes, gzip", "#7a3fa0", mega(func(g growth) int64 { return g.routesGzip })},
	})
	fmt.Fprintln(&w, "</svg>")
	return w.Bytes()
}

type curve struct {
	name, colour string
	value        func(growth) float64
}

// The area of a panel, in pixels.
const (
	plotTop, plotHeight, plotWidth = 30, 220, 320
)

// plotPanel draws curves with their legend below; left is its place.
func plotPanel(w *bytes.Buffer, left float64, unit string, grown []growth, curves []curve) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, g := range grown {
			low, high = min(low, math.Log10(c.value(g))), max(high, math.Log10(c.value(g)))
		}
	}
	low, high = math.Floor(low), math.Ceil(high)
	first, last := math.Log10(float64(grown[0].versions)), math.Log10(float64(grown[len(grown)-1].versions))
	x := func(versions int) float64 {
		return left + (math.Log10(float64(versions))-first)/(last-first)*plotWidth
	}
	y := func(value float64) float64 {
		return plotTop + plotHeight - (math.Log10(value)-low)/(high-low)*plotHeight
	}
	fmt.Fprintf(w, `<text x="%.0f" y="18">%s</text>`+"\n", left-40, unit)
	for e := low; e <= high; e++ {
		v := math.Pow(10, e)
		fmt.Fprintf(w, `<path d="M%.1f %.1fh%d" stroke="#dddddd"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, y(v), plotWidth, left-6, y(v)+4, strconv.FormatFloat(v, 'f', -1, 64))
	}
	for _, g := range grown {
		fmt.Fprintf(w, `<path d="M%.1f %dv%d" stroke="#dddddd"/><text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n",
			x(g.versions), plotTop, plotHeight, x(g.versions), plotTop+plotHeight+16, g.versions)
	}
	fmt.Fprintf(w, `<text x="%.1f" y="%d" text-anchor="middle">package versions</text>`+"\n", left+plotWidth/2, plotTop+plotHeight+32)
	for i, c := range curves {
		fmt.Fprintf(w, `<path fill="none" stroke="%s" stroke-width="2" d="`, c.colour)
		for j, g := range grown {
			fmt.Fprintf(w, "%c%.1f %.1f", "ML"[min(j, 1)], x(g.versions), y(c.value(g)))
		}
		fmt.Fprintln(w, `"/>`)
		for _, g := range grown {
			fmt.Fprintf(w, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(g.versions), y(c.value(g)), c.colour)
		}
		at := plotTop + plotHeight + 52 + 16*i
		fmt.Fprintf(w, `<path d="M%.0f %dh20" stroke="%s" stroke-width="2"/><text x="%.0f" y="%d">%s</text>`+"\n", left, at-4, c.colour, left+26, at, c.name)
	}
	plotProportion(w, left, low, high, first, last)
	at := plotTop + plotHeight + 52 + 16*len(curves)
	fmt.Fprintf(w, `<path d="M%.0f %dh20" stroke="#999999" stroke-dasharray="2 4"/><text x="%.0f" y="%d">in proportion to the registry</text>`+"\n", left, at-4, left+26, at)
}

// plotProportion draws the rise of what is in proportion to the registry, from
// the lower left corner.
func plotProportion(w *bytes.Buffer, left, low, high, first, last float64) {
	run := min(last-first, high-low) // decades
	fmt.Fprintf(w, `<path d="M%.1f %dL%.1f %.1f" stroke="#999999" stroke-dasharray="2 4"/>`+"\n",
		left, plotTop+plotHeight, left+run/(last-first)*plotWidth, plotTop+plotHeight-run/(high-low)*plotHeight)
}
