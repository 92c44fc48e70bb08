package webtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Complaints are dialogs, policy violations and script errors of a tab.
type Complaints struct {
	mu   sync.Mutex
	said []string
}

func (c *Complaints) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, fmt.Sprintf(format, args...))
}

// Take returns what was said since the last call.
func (c *Complaints) Take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

// Listen collects what a tab complains of from now on. Dialogs are dismissed.
func Listen(t *testing.T, tab context.Context) *Complaints {
	t.Helper()
	c := &Complaints{}
	var dismissing sync.WaitGroup
	t.Cleanup(dismissing.Wait)
	err := chromedp.Listen(tab, func(ev any) {
		switch e := ev.(type) {
		case *cdpage.EventJavascriptDialogOpening:
			c.add("dialog: %s", e.Message)
			dismissing.Go(func() {
				_, _ = chromedp.Call(tab, cdpage.HandleJavaScriptDialog, cdpage.HandleJavaScriptDialogParams{})
			})
		case *runtime.EventExceptionThrown:
			c.add("exception: %+v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError {
				c.add("log: %s %s", e.Entry.Text, e.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return c
}
