package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"seawall/scripts/load/collector"
	"seawall/scripts/load/dashboard"
)

const (
	// maxKinds bounds the kinds of pages that are measured, examples the paths of one,
	// and maxNames the filters of a path: a list has links for each of them together.
	maxKinds, examples, maxNames = 300, 2, 2
)

// runPages measures the dashboard's pages.
func runPages(ctx context.Context, o *options, out io.Writer) (err error) {
	if o.program == "" {
		o.program = filepath.Join(o.folder, "seawall-collector")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", o.program, "seawall/collector/cmd/seawall-collector")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the collector: %w: %s", err, text)
		}
	}
	// What the fill has made must not be expired while it is looked at.
	c := &collector.Collector{Program: o.program, Folder: o.folder, Store: o.store, Args: []string{"--retention-days", "3650", "--archive-after-days", "3650"}}
	if err := c.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.End(syscall.SIGTERM)) }()
	address, err := c.Dashboard()
	if err != nil {
		return err
	}
	password, err := dashboard.Password(o.folder)
	if err != nil {
		return err
	}
	d, err := dashboard.Open(ctx, address, "admin", password)
	if err != nil {
		return err
	}
	kinds, err := crawl(ctx, d)
	if err != nil {
		return err
	}
	return o.measure(ctx, d, kinds, out)
}

// kind names what paths have in common: ids and values are left out.
func kind(path string) string {
	path = regexp.MustCompile(`[0-9a-f]{16,32}`).ReplaceAllString(path, "{id}")
	path = regexp.MustCompile(`^(/(?:api/v1/)?checks)/[^/?]+`).ReplaceAllString(path, "$1/{check}")
	before, query, _ := strings.Cut(path, "?")
	var names []string
	for part := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(part, "="); name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return before
	}
	slices.Sort(names)
	return before + "?" + strings.Join(slices.Compact(names), "&")
}

// crawl follows links from the overview and returns some paths of each kind of page.
func crawl(ctx context.Context, d *dashboard.Dashboard) (map[string][]string, error) {
	kinds := make(map[string][]string)
	todo := []string{"/", "/api/v1/overview", "/api/v1/hosts", "/api/v1/checks", "/hosts?sort=score", "/hosts?q=web-0", "/hosts?tag=team-3"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		k := kind(path)
		switch {
		case strings.Count(k, "&")+1 >= maxNames && strings.Contains(k, "&"), slices.Contains(kinds[k], path), len(kinds[k]) == examples, kinds[k] == nil && len(kinds) == maxKinds:
			continue
		// A file with the whole fleet is no page.
		case strings.Contains(path, "/export"), strings.Contains(path, ".csv"), strings.HasPrefix(path, "/static/"), strings.HasPrefix(path, "/logout"), strings.HasPrefix(path, "/events"):
			continue
		}
		page, err := d.Get(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("follow %s: %w", path, err)
		}
		if page.Status != 200 { // an action's address, which is not read
			continue
		}
		kinds[k] = append(kinds[k], path)
		if strings.HasPrefix(page.Type, "text/html") {
			todo = append(todo, page.Links()...)
		}
	}
	return kinds, nil
}

// measure reads the pages and prints the slowest kinds first.
func (o *options) measure(ctx context.Context, d *dashboard.Dashboard, kinds map[string][]string, out io.Writer) error {
	type figure struct {
		kind     string
		p50, p95 time.Duration
		bytes    int
	}
	var all []figure
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		var took []time.Duration
		f := figure{kind: k}
		for i := range o.reads {
			page, err := d.Get(ctx, kinds[k][i%len(kinds[k])])
			if err != nil {
				return fmt.Errorf("read %s: %w", k, err)
			}
			if page.Status != 200 {
				return fmt.Errorf("read %s: status %d", kinds[k][i%len(kinds[k])], page.Status)
			}
			took, f.bytes = append(took, page.Took), max(f.bytes, len(page.Body))
		}
		slices.Sort(took)
		f.p50, f.p95 = took[len(took)/2], took[min(len(took)*95/100, len(took)-1)]
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b figure) int { return int(b.p95 - a.p95) })
	slow := 0
	for _, f := range all {
		mark := ""
		if f.p95 > o.limit {
			mark = "  slow"
			slow++
		}
		fmt.Fprintf(out, "pages  p50 %7.1f ms  p95 %7.1f ms  %6d KB  %s%s\n", ms(f.p50), ms(f.p95), f.bytes/1000, f.kind, mark)
	}
	fmt.Fprintf(out, "pages  %d kinds of %d, %d slower than %v at p95\n", len(all), len(kinds), slow, o.limit)
	if slow > 0 {
		return fmt.Errorf("%d kinds of pages are slower than %v", slow, o.limit)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
