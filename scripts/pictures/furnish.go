package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

// orders is what an administrator of the fleet has done, as commands of the collector.
// What is there already from an earlier time is refused, which is no harm.
func orders() [][]string {
	return [][]string{
		{"user", "add", "ann", "--role", "operator"},
		{"user", "add", "bob", "--tag", "team-3"},
		{"apitoken", "add", "ann", "--label", "weekly report", "--life", "30d"},
		{"waive", "ssh-password-authentication", "--tag", "team-1", "--until", "30d", "--owner", "ann", "--reason", "moves to keys in the new year"},
		{"waive", "patch-security-updates", "--tag", "team-4", "--until", "14d", "--owner", "bob", "--reason", "frozen until the release"},
	}
}

// furnish gives the pages of what people decide something to show.
func furnish(ctx context.Context, program, folder string) error {
	done := 0
	var last error
	for _, order := range orders() {
		cmd := exec.CommandContext(ctx, program, append(order, "--state-dir", filepath.Join(folder, "state"))...)
		if text, err := cmd.CombinedOutput(); err != nil {
			last = fmt.Errorf("%s: %w: %s", strings.Join(order, " "), err, text)
			continue
		}
		done++
	}
	if done == 0 {
		return last
	}
	return nil
}

// alert makes a rule by its form.
func (c camera) alert(tab context.Context) error {
	err := chromedp.Do(tab, chromedp.Navigate(c.base+"/alerts/rules/new"), chromedp.WaitVisible(chromedp.CSS("input[name=name]")),
		chromedp.SendKeys(chromedp.CSS("input[name=name]"), "What is severe, to those on call"),
		chromedp.SendKeys(chromedp.CSS("input[name=routes]"), "on-call\r"),
		chromedp.WaitVisible(chromedp.CSS("#main")))
	if err != nil {
		return fmt.Errorf("make a rule of alerts: %w", err)
	}
	return nil
}
