package auditbench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// compared is the reader that the others are compared with.
const compared = "auditd-raw"

// table tells all figures for people: medians with the least and the most of the rounds,
// and what of the compared reader's they are.
func (r results) table(loads []string) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, load := range loads {
		fmt.Fprintf(w, "\n%s\tCPU µs/event\tof %s\tCPU %% of a core\tevents/s\tof %[2]s\tworst call ms\tRSS MB\tmissing\trounds\n", load, compared)
		for _, one := range readers() {
			figures := r[load][one.name]
			if len(figures) == 0 {
				continue
			}
			base := r[load][compared]
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%d\n", one.name,
				spread(figures, 2, figure.ofCPU), ratio(figures, base, figure.ofCPU),
				spread(figures, 2, figure.ofCore), spread(figures, 0, figure.ofRate), ratio(figures, base, figure.ofRate),
				spread(figures, 1, figure.ofWorst), spread(figures, 1, figure.ofRSS), total(figures), len(figures))
		}
	}
	_ = w.Flush()
	return text.String()
}

func (f figure) ofCPU() float64   { return f.cpu }
func (f figure) ofCore() float64  { return f.core }
func (f figure) ofRate() float64  { return f.rate }
func (f figure) ofWorst() float64 { return f.worst }
func (f figure) ofRSS() float64   { return f.rss }

// spread is the median, and the least and the most.
func spread(figures []figure, digits int, of func(figure) float64) string {
	least, most := of(figures[0]), of(figures[0])
	for _, f := range figures {
		least, most = min(least, of(f)), max(most, of(f))
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", digits, median(figures, of), digits, least, digits, most)
}

// ratio is that of the medians.
func ratio(figures, base []figure, of func(figure) float64) string {
	if whole := median(base, of); whole > 0 {
		return fmt.Sprintf("%.2f", median(figures, of)/whole)
	}
	return "-"
}

func total(figures []figure) (sum float64) {
	for _, f := range figures {
		sum += f.missing
	}
	return sum
}

func median(figures []figure, of func(figure) float64) float64 {
	var all []float64
	for _, f := range figures {
		all = append(all, of(f))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func TestTable(t *testing.T) {
	r := results{}
	for _, cpu := range []float64{9, 7, 8} {
		r.add("flat", "seawall", figure{cpu: cpu, rate: 30_000, rss: 18, missing: 1})
		r.add("flat", compared, figure{cpu: 2 * cpu, rate: 20_000})
	}
	text := r.table([]string{"flat"})
	for _, want := range []string{"8.00 (7.00–9.00)", " 0.50 ", " 1.50 ", "16.00 (14.00–18.00)", "18.0 (18.0–18.0)", " 3  "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "go-libaudit") {
		t.Error("a reader without figures is told of")
	}
}
