package auditcmd

import (
	"fmt"
	"time"

	"seawall/agent/gaps"
)

// gapList is what was missed since the boot.
type gapList struct {
	Since   time.Time  `json:"since"`
	Missing uint64     `json:"missing"`
	Filled  uint64     `json:"filled"`
	Late    uint64     `json:"late"`
	Left    uint64     `json:"left"`
	Gaps    []gaps.Gap `json:"gaps"`
}

func (l gapList) print(p *page) {
	if len(l.Gaps) == 0 {
		p.line("Nothing was missed since %s.", day(l.Since))
		return
	}
	p.line("%-19s %8s %8s %8s  %-10s %s", "BEGAN (UTC)", "LASTED", "MISSED", "LEFT", "FROM", "WHY")
	for i := range l.Gaps {
		g := &l.Gaps[i]
		p.line("%-19s %8s %8s %8s  %-10d %s", g.Before.UTC().Format(time.DateTime), lasted(g), thousands(g.Missing), left(g), g.From, why(g))
	}
	p.line("")
	p.line("%s missed in %s since %s.", plural(l.Missing, "event"), plural(uint64(len(l.Gaps)), "gap"), day(l.Since))
	if l.Filled > 0 {
		p.line("%s read from auditd's log since.", was(l.Filled))
	}
	if l.Late > 0 {
		p.line("%s late.", came(l.Late))
	}
	if l.Left == 0 {
		p.line("Nothing is missing.")
		return
	}
	waiting := l.waiting()
	if gone := l.Left - min(l.Left, waiting); gone > 0 {
		p.line("%s missing for good.", plural(gone, "event"))
	}
	if waiting > 0 {
		p.line("%s waiting: auditd's log may have them.", plural(waiting, "event"))
	}
	said := map[string]bool{}
	for i := range l.Gaps {
		if w := l.Gaps[i].Why; w != "" && !said[w] {
			said[w] = true
			p.line("Not filled: %s.", w)
		}
	}
}

// waiting is how many are still looked for.
func (l gapList) waiting() (n uint64) {
	for i := range l.Gaps {
		if l.Gaps[i].Fillable() {
			n += l.Gaps[i].Left()
		}
	}
	return n
}

func was(n uint64) string {
	if n == 1 {
		return "1 was"
	}
	return thousands(n) + " were"
}

func came(n uint64) string { return thousands(n) + " came" }

// left is how many are missing, or that they are still looked for.
func left(g *gaps.Gap) string {
	if g.Fillable() {
		return "waiting"
	}
	return thousands(g.Left())
}

func why(g *gaps.Gap) string {
	w := map[gaps.Cause]string{
		gaps.Overrun: "no room in our buffer", gaps.Kernel: "dropped by kernel", gaps.RateLimit: "rate limit",
		gaps.Stopped: "sensor stopped", gaps.Switched: "daemon changed", gaps.Backlog: "kernel queue full", gaps.Several: "several",
	}[g.Cause]
	if g.Merged > 0 {
		w += fmt.Sprintf(" (%d gaps)", g.Merged+1)
	}
	return w
}

func lasted(g *gaps.Gap) string {
	d := g.After.Sub(g.Before)
	switch {
	case g.Before.IsZero() || g.After.IsZero() || d < 0:
		return "?"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 100*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 100*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.0f h", d.Hours())
}
