package console

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"seawall/agent/look"
)

// every is how often progress is written. What takes no longer shows none.
const every = 150 * time.Millisecond

// Progress shows on a terminal how many of all are done, and what is still going on,
// until the function that it returns is called, which wipes the line. The names that
// left returns are the program's own. Where standard error is no terminal, it does
// nothing.
func (c *Console) Progress(what string, all int, left func() []string) (stop func()) {
	if !c.ErrTerminal || slices.Contains(c.Environ, "TERM=dumb") {
		return func() {}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				fmt.Fprint(c.Stderr, wipe)
				return
			case <-tick.C:
				progress(c.Stderr, what, all, left(), c.Width)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// wipe clears the line.
const wipe = "\r\x1b[K"

func progress(w io.Writer, what string, all int, left []string, width int) {
	if width <= 0 {
		width = 80
	}
	line := fmt.Sprintf("%s: %d of %d", what, all-len(left), all)
	if len(left) > 0 {
		line += ", now " + strings.Join(left, ", ")
	}
	fmt.Fprint(w, wipe, look.Cut(line, width-1))
}
