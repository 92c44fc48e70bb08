package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const (
	light, dark = "light", "dark"
	// Widths of the window, in pixels of CSS, and what a picture shows of a long page.
	wide, narrow = 1280, 400
	most         = 1000
	// patience is how long all of it may take.
	patience = 5 * time.Minute
	quality  = int64(70) // of WebP, of 100
)

// browser is Chromium, signed in.
type browser struct {
	tab    context.Context
	base   string
	format string // of pictures: webp, png
	close  context.CancelFunc
}

// open starts Chromium with a profile of its own and signs in as admin.
func open(ctx context.Context, address, password, format string) (*browser, error) {
	profile, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	alloc, end := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	tab, endTab := chromedp.NewContext(alloc)
	b := &browser{tab: tab, base: address, format: format, close: func() { endTab(); end(); stop(); os.RemoveAll(profile) }}
	err = chromedp.Do(tab, chromedp.Navigate(b.base+"/login"), chromedp.WaitVisible(chromedp.CSS("input[name=password]")),
		// the form has the name of the only user already
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), password+"\r"),
		chromedp.WaitVisible(chromedp.CSS("nav")))
	if err != nil {
		b.close()
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return b, nil
}

// take writes a picture of a page, as wide as the window and as long as the page
// up to a bound.
func (b *browser) take(path, file, scheme string, width int64) error {
	_, err := chromedp.Call(b.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err == nil {
		err = chromedp.Do(b.tab, chromedp.EmulateViewport(width, 800), chromedp.Navigate(b.base+path), chromedp.WaitVisible(chromedp.CSS("#main")))
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	height, err := chromedp.Run(b.tab, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return fmt.Errorf("measure %s: %w", path, err)
	}
	how := page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormat(b.format), CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: float64(width), Height: float64(min(height, most)), Scale: 1},
	}
	if b.format == "webp" {
		how.Quality = new(quality)
	}
	shot, err := chromedp.Call(b.tab, page.CaptureScreenshot, how)
	if err != nil {
		return fmt.Errorf("take a picture of %s: %w", path, err)
	}
	return os.WriteFile(file+"."+b.format, shot.Data, 0o644)
}
