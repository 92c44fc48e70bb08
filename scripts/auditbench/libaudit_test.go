package auditbench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"github.com/elastic/go-libaudit/v2/aucoalesce"
	"github.com/elastic/go-libaudit/v2/auparse"
	"golang.org/x/sys/unix"
)

// readLibaudit is the role of go-libaudit: what Auditbeat does with each event before
// its own output, inline.
func readLibaudit(ctx context.Context, args []string) error {
	client, err := libaudit.NewAuditClient(nil)
	if err != nil {
		return err
	}
	if err := client.SetPID(libaudit.WaitForReply); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(args[0], "events.json"))
	if err != nil {
		return err
	}
	out := &libauditOutput{buf: bufio.NewWriterSize(f, 64<<10)}
	out.encoder = json.NewEncoder(out.buf)
	r, err := libaudit.NewReassembler(50, 2*time.Second, out)
	if err != nil {
		return err
	}
	go answer(out.events.Load)
	go func() {
		<-ctx.Done()
		_ = client.Close()
		os.Exit(0) // Receive does not return
	}()
	go func() {
		for range time.Tick(500 * time.Millisecond) {
			out.mu.Lock()
			_ = r.Maintain()
			_ = out.buf.Flush()
			out.mu.Unlock()
		}
	}()
	for {
		m, err := client.Receive(false)
		if errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		if m.Type < auparse.AUDIT_USER_AUTH {
			continue
		}
		out.mu.Lock()
		err = r.Push(m.Type, m.Data)
		out.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// libauditOutput takes whole events.
type libauditOutput struct {
	mu      sync.Mutex // the flushing of what is old
	buf     *bufio.Writer
	encoder *json.Encoder
	events  atomic.Int64
}

// ReassemblyComplete implements libaudit.Stream.
func (o *libauditOutput) ReassemblyComplete(messages []*auparse.AuditMessage) {
	e, err := aucoalesce.CoalesceMessages(messages)
	if err != nil {
		return
	}
	aucoalesce.ResolveIDs(e)
	if err := o.encoder.Encode(e); err == nil && slices.Contains(e.Tags, key) {
		o.events.Add(1)
	}
}

// EventsLost implements libaudit.Stream.
func (o *libauditOutput) EventsLost(int) {}
