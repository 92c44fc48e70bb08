package console

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/pkg/text"
)

// table writes rows under heads. Cells are escaped for the terminal.
func table(w io.Writer, heads string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(heads, " ", "\t"))
	for _, row := range rows {
		for i, cell := range row {
			if cell == "" {
				cell = "-"
			}
			row[i] = text.Terminal(cell)
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// list writes names and values, those that are set.
func list(w io.Writer, pairs ...string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", pairs[i], text.Terminal(pairs[i+1]))
		}
	}
	return t.Flush()
}

// span is a time as people say it, from now: "3h ago", "in 13d".
func span(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil {
		return ""
	}
	d := now.Sub(t.AsTime())
	if d < 0 {
		return "in " + length(-d)
	}
	return length(d) + " ago"
}

// length is a duration in its largest unit.
func length(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// moment is a time in full, and how far away.
func moment(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", t.AsTime().UTC().Format("2006-01-02 15:04:05Z"), span(t, now))
}
