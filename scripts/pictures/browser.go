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

// camera takes pictures of a dashboard, in a tab of a browser.
type camera struct {
	base   string // the dashboard's address
	format string // of pictures: webp, png
}

// browser starts Chromium with a profile of its own and returns a context of one tab,
// which it is until the function is called.
func browser(ctx context.Context) (tab context.Context, end func(), err error) {
	profile, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	alloc, endAll := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	tab, endTab := chromedp.NewContext(alloc)
	return tab, func() { endTab(); endAll(); stop(); os.RemoveAll(profile) }, nil
}

// signIn signs in as admin, the only user, whose name the form has already.
func (c camera) signIn(tab context.Context, password string) error {
	err := chromedp.Do(tab, chromedp.Navigate(c.base+"/login"), chromedp.WaitVisible(chromedp.CSS("input[name=password]")),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), password+"\r"),
		chromedp.WaitVisible(chromedp.CSS("nav")))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return nil
}

// take writes a picture of a page, as wide as the window and as long as the page
// up to a bound.
func (c camera) take(tab context.Context, path, file, scheme string, width int64) error {
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err == nil {
		err = chromedp.Do(tab, chromedp.EmulateViewport(width, 800), chromedp.Navigate(c.base+path), chromedp.WaitVisible(chromedp.CSS("#main")))
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	height, err := chromedp.Run(tab, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return fmt.Errorf("measure %s: %w", path, err)
	}
	how := page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormat(c.format), CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: float64(width), Height: float64(min(height, most)), Scale: 1},
	}
	if c.format == "webp" {
		how.Quality = new(quality)
	}
	shot, err := chromedp.Call(tab, page.CaptureScreenshot, how)
	if err != nil {
		return fmt.Errorf("take a picture of %s: %w", path, err)
	}
	return os.WriteFile(file+"."+c.format, shot.Data, 0o644)
}
