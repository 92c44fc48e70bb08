package page

import (
	"bufio"
	"cmp"
	_ "embed" // the style
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"seawall/agent/report/sheet"
	"seawall/agent/report/words"
	"seawall/agent/score"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

//go:embed style.css
var style string

// Write writes the look.
func Write(w io.Writer, s *sheet.Sheet) error {
	p := &page{bufio.NewWriter(w), s}
	name := cmp.Or(s.Host.Name, "a host")
	p.raw(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
`)
	p.form("<title>Hardening of %s, %s</title>\n", name, s.Time.UTC().Format("2006-01-02"))
	p.raw("<style>\n" + style + "</style>\n</head>\n<body>\n")
	p.head(name)
	p.families()
	p.findings("failed", "Failed", "fail", finding.StatusFail)
	p.findings("open", "Could not be evaluated", "open", finding.StatusError, finding.StatusUnknown, finding.StatusUnspecified)
	p.findings("waived", "Waived", "waived", finding.StatusWaived)
	p.list("gone", "Gone since", s.Gone)
	p.list("passed", "Passed", p.all(finding.StatusPass))
	p.list("none", "Not applicable", p.all(finding.StatusNotApplicable))
	p.foot()
	return p.Flush()
}

// page is one writing of a report.
type page struct {
	*bufio.Writer
	sheet *sheet.Sheet
}

// raw writes markup.
func (p *page) raw(markup string) { fmt.Fprint(p.Writer, markup) }

// form writes markup with values, each of which is escaped.
func (p *page) form(format string, values ...any) {
	for i, v := range values {
		values[i] = escape(fmt.Sprint(v))
	}
	fmt.Fprintf(p.Writer, format, values...)
}

// escape shows what steers a terminal as its escape, keeps lines, and makes the rest
// text for elements and for attributes in quotes.
func escape(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\t", "    "), "\n")
	for i := range lines {
		lines[i] = text.Terminal(lines[i])
	}
	return html.EscapeString(strings.Join(lines, "\n"))
}

// head says whose report it is and what it comes to.
func (p *page) head(name string) {
	s := p.sheet
	p.form("<header>\n<h1>Hardening of %s</h1>\n", name)
	p.form("<p class=\"soft\">%s</p>\n</header>\n", s.Time.UTC().Format("2 January 2006, 15:04:05 MST"))
	p.raw("<section class=\"top\">\n<div>")
	if tint := "good"; s.Score.Known {
		switch {
		case s.Score.Points < 60:
			tint = "bad"
		case s.Score.Points < 90:
			tint = "warn"
		}
		p.form(`<span class="score %s">%v <small>of 100</small></span>`, tint, s.Score.Points)
	} else {
		p.raw(`<span class="score"><small>no score</small></span>`)
	}
	p.form("</div>\n<div><p><strong>%s.</strong></p>\n", s.Summary())
	if narrowed := s.Compared(); narrowed != "" {
		p.form("<p class=\"warn\">This report has %s. The score is that of all that was looked at.</p>\n", narrowed)
	}
	if len(s.Named) > 0 {
		p.form("<p class=\"warn\">Only these checks and families were asked for: %s.</p>\n", strings.Join(s.Named, ", "))
	}
	if n := s.Score.NotEvaluated.Checks; n > 0 {
		p.form("<p class=\"soft\">%s, and what is not known is not in the score.</p>\n", counted(n, "check was not evaluated", "checks were not evaluated"))
	}
	p.raw("</div>\n</section>\n<div class=\"wide\"><table class=\"host\">\n")
	for _, row := range [][2]string{
		{"Host", s.Host.Name}, {"System", s.Host.OS}, {"Kernel", strings.TrimSpace(s.Host.Kernel + " " + s.Host.Arch)}, {"Profile", s.Profile},
		{"Looked below", s.Host.Root}, {"Seawall", s.Version},
	} {
		if row[1] != "" && (row[0] != "Looked below" || row[1] != "/") {
			p.form("<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n", row[0], row[1])
		}
	}
	p.raw("</table></div>\n")
}

// counted says how many there are of something.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// families is the table of counts.
func (p *page) families() {
	columns := []struct {
		name, tint string
		statuses   []finding.Status
	}{
		{"Failed", "bad", []finding.Status{finding.StatusFail}},
		{"Unknown", "warn", []finding.Status{finding.StatusUnknown, finding.StatusError, finding.StatusUnspecified}},
		{"Waived", "info", []finding.Status{finding.StatusWaived}},
		{"Passed", "good", []finding.Status{finding.StatusPass}},
		{"n/a", "soft", []finding.Status{finding.StatusNotApplicable}},
	}
	p.raw("<h2 id=\"summary\">Summary by family</h2>\n<div class=\"wide\"><table class=\"sum\">\n<thead><tr><th scope=\"col\">Family</th>")
	for _, c := range columns {
		p.form(`<th scope="col" class="n">%s</th>`, c.name)
	}
	p.raw("</tr></thead>\n<tbody>\n")
	for _, f := range p.sheet.Group() {
		p.form(`<tr><th scope="row">%s</th>`, f.Name)
		count := map[finding.Status]int{}
		for _, r := range f.Results() {
			count[r.Status]++
		}
		for _, c := range columns {
			n := 0
			for _, status := range c.statuses {
				n += count[status]
			}
			if n == 0 {
				p.raw(`<td class="n soft">–</td>`)
			} else {
				p.form(`<td class="n %s">%v</td>`, c.tint, n)
			}
		}
		p.raw("</tr>\n")
	}
	p.raw("</tbody>\n</table></div>\n")
}

// findings are the checks of some statuses with all that is known of them.
func (p *page) findings(id, title, class string, statuses ...finding.Status) {
	sections := p.sheet.Sections(statuses...)
	if len(sections) == 0 {
		return
	}
	p.form("<h2 id=\"%s\">%s <span class=\"soft\">%s</span></h2>\n", id, title, counted(len(sections), "check", "checks"))
	for _, section := range sections {
		p.finding(class, section)
	}
}

func (p *page) finding(class string, section sheet.Section) {
	info := p.sheet.Info(section.Check)
	word, tint := section.Status.String(), map[string]string{"fail": "bad", "open": "warn", "waived": "info"}[class]
	if section.Status == finding.StatusFail {
		word = section.Results[0].Severity.String()
		if section.Results[0].Severity < finding.SeverityHigh {
			tint = "warn"
		}
	}
	p.form("<article class=\"%s\">\n<h3><span class=\"tag %s\">%s</span>%s</h3>\n", class, tint, word, cmp.Or(info.Title, section.Check))
	p.form("<p class=\"soft\"><code>%s</code></p>\n", section.Check)
	if len(section.Results) > few {
		p.results(section.Results)
	} else {
		for i := range section.Results {
			p.result(&section.Results[i])
		}
	}
	if section.Status == finding.StatusFail {
		if info.Rationale != "" {
			p.form("<p>%s</p>\n", strings.Join(strings.Fields(info.Rationale), " "))
		}
		if fix := strings.TrimRight(info.Remediation, "\n"); fix != "" {
			p.form("<p class=\"soft\">How to fix it</p>\n<pre>%s</pre>\n", fix)
		}
		if len(info.References) > 0 {
			p.form("<p class=\"soft\">%s</p>\n", strings.Join(info.References, "; "))
		}
	}
	p.raw("</article>\n")
}

// few results of one check are shown each with all that is known of it, more of them
// as a table.
const few = 3

// results is a table of a check's many results.
func (p *page) results(list []finding.Result) {
	verdict := list[0].Status == finding.StatusFail || list[0].Status == finding.StatusWaived
	if verdict {
		p.raw("<div class=\"wide\"><table class=\"res verdict\">\n<thead><tr><th scope=\"col\">Of</th><th scope=\"col\">Found</th><th scope=\"col\">Expected</th></tr></thead>\n")
	} else {
		p.raw("<div class=\"wide\"><table class=\"res\">\n<thead><tr><th scope=\"col\">Of</th><th scope=\"col\">Because</th></tr></thead>\n")
	}
	for i := range list {
		r := &list[i]
		p.form("<tr><td><code>%s</code>", r.Resource)
		for _, e := range r.Evidence {
			if place := words.Place(e); place != "" && place != r.Resource {
				p.form("<br><code class=\"soft\">%s</code>", place)
			}
		}
		if notes := p.notes(r, list[0].Severity); notes != "" {
			p.form("<br><span class=\"soft\">%s</span>", notes)
		}
		p.form("</td><td><code>%s</code></td>", r.Actual)
		if verdict {
			p.form("<td><code>%s</code></td>", r.Expected)
		}
		p.raw("</tr>\n")
	}
	p.raw("</table></div>\n")
}

// notes is what else there is to say of a result in a table, of which the first has
// the severity of the heading.
func (p *page) notes(r *finding.Result, heading finding.Severity) string {
	var notes []string
	if r.Severity != heading {
		notes = append(notes, r.Severity.String())
	}
	notes = append(notes, p.sheet.Was(r), words.Age(r.Time, r.Since))
	if r.Cause != nil {
		notes = append(notes, words.Cause(r.Cause))
	}
	return strings.Join(slices.DeleteFunc(notes, func(s string) bool { return s == "" }), "; ")
}

// result is one result's values.
func (p *page) result(r *finding.Result) {
	p.raw("<dl>\n")
	row := func(name, value string) {
		if value != "" {
			p.form("<dt>%s</dt><dd><code>%s</code></dd>\n", name, value)
		}
	}
	actual, expected := "found", r.Expected
	if r.Status != finding.StatusFail && r.Status != finding.StatusWaived {
		actual, expected = "because", ""
	}
	row("of", r.Resource)
	row("earlier", p.sheet.Was(r))
	row(actual, r.Actual)
	row("expected", expected)
	for _, e := range r.Evidence {
		row("at", strings.TrimSpace(words.Place(e)+"  "+strings.TrimSpace(e.Text)))
	}
	row("since", words.Since(r))
	if r.Cause != nil {
		row("cause", words.Cause(r.Cause))
	}
	p.raw("</dl>\n")
}

// all are the results of a status.
func (p *page) all(status finding.Status) []finding.Result {
	var list []finding.Result
	for _, s := range p.sheet.Sections(status) {
		list = append(list, s.Results...)
	}
	return list
}

// list is what needs no attention.
func (p *page) list(id, title string, results []finding.Result) {
	if len(results) == 0 {
		return
	}
	p.form("<h2 id=\"%s\">%s <span class=\"soft\">%v</span></h2>\n<table>\n", id, title, len(results))
	for _, r := range results {
		p.form("<tr><td>%s<br><code class=\"soft\">%s</code></td><td><code>%s</code></td></tr>\n",
			cmp.Or(p.sheet.Info(r.Check).Title, r.Check), strings.TrimSpace(r.Check+" "+r.Resource), r.Actual)
	}
	p.raw("</table>\n")
}

// foot says how the score is made.
func (p *page) foot() {
	s := p.sheet.Score
	p.form(`<footer>
<p><strong>The score</strong> is 100 × the weight of the checks that passed ÷ the weight of those that passed and those that failed,
rounded down: %v of %v here. Each check counts once, failed where any of its results is. A check weighs by its severity: critical %v, high %v,
medium %v, low %v, informational %v. Not in it: checks that were not evaluated (%v), are waived (%v) or do not apply (%v).</p>
`, s.Passed.Weight, s.Passed.Weight+s.Failed.Weight, score.Weight(finding.SeverityCritical), score.Weight(finding.SeverityHigh),
		score.Weight(finding.SeverityMedium), score.Weight(finding.SeverityLow), score.Weight(finding.SeverityInformational),
		s.NotEvaluated.Checks, s.Waived.Checks, s.NotApplicable.Checks)
	p.form("<p>Written by seawall check%s. What could not be read is unknown and never counted as passed.</p>\n</footer>\n</body>\n</html>\n",
		strings.TrimRight(" "+p.sheet.Version, " "))
}
