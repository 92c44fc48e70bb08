// Pictures takes a picture of each page of the dashboard, for the documentation.
//
//	go run ./scripts/fleet -folder FOLDER -hosts 40 fill
//	go run ./scripts/pictures -folder FOLDER -to docs/pictures
//
// It runs the collector as it is shipped on the store in FOLDER, signs in with Chromium
// and follows the links of the dashboard until it has seen one page of each kind. So a
// page that nothing links to has no picture, and a new one gets its own by itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"seawall/scripts/load/collector"
	"seawall/scripts/load/dashboard"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("pictures", flag.ContinueOnError)
	folder := f.String("folder", filepath.Join(os.TempDir(), "seawall-fleet"), "where the collector's state is kept")
	to := f.String("to", "docs/pictures", "the folder that gets the pictures")
	format := f.String("format", "webp", "webp, or png for programs that do not know it")
	if err := f.Parse(args); err != nil {
		return err
	}
	program := filepath.Join(*folder, "seawall-collector")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "seawall/collector/cmd/seawall-collector")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the collector: %w: %s", err, text)
	}
	c := &collector.Collector{Program: program, Folder: *folder, Args: []string{"--retention-days", "3650", "--archive-after-days", "3650"}}
	if err := c.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.End(syscall.SIGTERM)) }()
	if err := furnish(ctx, program, *folder); err != nil {
		return err
	}
	return photograph(ctx, c, *to, *format)
}

// photograph takes the pictures of each kind of page of a running collector.
func photograph(ctx context.Context, c *collector.Collector, to, format string) error {
	address, err := c.Dashboard()
	if err != nil {
		return err
	}
	password, err := dashboard.Password(c.Folder)
	if err != nil {
		return err
	}
	d, err := dashboard.Open(ctx, address, "admin", password)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	tab, end, err := browser(ctx)
	if err != nil {
		return err
	}
	defer end()
	camera := camera{base: address, format: format}
	if err := camera.signIn(tab, password); err != nil {
		return err
	}
	if err := camera.alert(tab); err != nil {
		return err
	}
	pages, err := crawl(ctx, d)
	if err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(pages)) {
		if err := camera.take(tab, pages[kind], filepath.Join(to, name(kind)), light, wide); err != nil {
			return err
		}
	}
	// What the same page looks like at night and on a telephone is shown once.
	if err := camera.take(tab, "/", filepath.Join(to, "overview-dark"), dark, wide); err != nil {
		return err
	}
	return camera.take(tab, "/", filepath.Join(to, "overview-narrow"), light, narrow)
}
