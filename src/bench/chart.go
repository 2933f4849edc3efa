package main

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"strings"
)

// Sizes in a chart, in pixels.
const (
	nameWidth  = 190
	barWidth   = 420
	valueWidth = 90
	rowHeight  = 20
	panelHead  = 44
)

// charts draws one for each family of workloads: a panel for each size and figure, and a bar for each subject with
// a line from the least to the most of the rounds.
func (r *report) charts(out string) error {
	families := map[string][]*result{}
	var order []string
	for _, one := range r.Results {
		if families[one.family] == nil {
			order = append(order, one.family)
		}
		families[one.family] = append(families[one.family], one)
	}
	for _, family := range order {
		if svg := r.chart(families[family]); svg != "" {
			if err := os.WriteFile(filepath.Join(out, family+".svg"), []byte(svg), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *report) chart(results []*result) string {
	var body strings.Builder
	y := 8
	for _, one := range results {
		for i, l := range one.Lines {
			if len(one.Found[l.Key]) == 0 || l.Key == "agent" || strings.HasPrefix(l.Key, "fds") {
				continue
			}
			if i == 0 || body.Len() == 0 {
				for _, text := range wrap(one.Title, 100) {
					y += 18
					fmt.Fprintf(&body, `<text x="8" y="%d" class="title">%s</text>`+"\n", y, html.EscapeString(text))
				}
			}
			y = r.panel(&body, one, l, y)
		}
	}
	if body.Len() == 0 {
		return ""
	}
	width := nameWidth + barWidth + valueWidth
	y += 22
	fmt.Fprintf(&body, `<text x="8" y="%d" class="small">%s; medians, with least and most</text>`+"\n", y,
		html.EscapeString(r.Machine))
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">
<style>
text { font: 12px sans-serif; fill: #222 } .title { font-size: 14px; font-weight: bold } .small { font-size: 11px; fill: #666 }
.bar { fill: #b4bcc8 } .ours { fill: #2b6cb0 } .spread { stroke: #222; stroke-width: 1.5 }
</style>
<rect width="100%%" height="100%%" fill="#fff"/>
%s</svg>
`, width, y+10, width, y+10, body.String())
}

// panel draws a figure of all subjects, and returns where it ends.
func (r *report) panel(body *strings.Builder, one *result, l line, y int) int {
	most := 0.0
	for _, found := range one.Found[l.Key] {
		if found.Max > most {
			most = found.Max
		}
	}
	if most <= 0 {
		most = 1
	}
	better := "less is better"
	if l.More {
		better = "more is better"
	}
	unit := l.Unit
	if unit != "" {
		unit = ", " + unit
	}
	y += panelHead - 22
	fmt.Fprintf(body, `<text x="8" y="%d">%s <tspan class="small">(%s)</tspan></text>`+"\n", y,
		html.EscapeString(l.Title+unit), better)
	y += 6
	for _, s := range r.Subjects {
		found := one.Found[l.Key][s.Name]
		if found == nil {
			continue
		}
		class := "bar"
		if s.jar {
			class = "ours"
		}
		at := func(value float64) float64 {
			if value < 0 {
				value = 0
			}
			return nameWidth + barWidth*value/most
		}
		middle := float64(y) + rowHeight/2
		fmt.Fprintf(body, `<text x="%d" y="%.0f" text-anchor="end">%s</text>`, nameWidth-8, middle+4, html.EscapeString(s.Name))
		fmt.Fprintf(body, `<rect x="%d" y="%d" width="%.1f" height="%d" class="%s"/>`, nameWidth, y+3, at(found.Median)-nameWidth,
			rowHeight-6, class)
		if found.Max > found.Min {
			fmt.Fprintf(body, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="spread"/>`, at(found.Min), at(found.Max), middle, middle)
		}
		fmt.Fprintf(body, `<text x="%.1f" y="%.0f">%s</text>`+"\n", at(found.Max)+6, middle+4, number(found.Median))
		y += rowHeight
	}
	return y
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+len(word) >= width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
