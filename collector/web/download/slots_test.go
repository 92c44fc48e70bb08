package download

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

func TestSlots(t *testing.T) {
	registry := prometheus.NewRegistry()
	s, err := NewSlots(3, 2, registry)
	if err != nil {
		t.Fatal(err)
	}
	enter := func(user, refused string) func() {
		t.Helper()
		leave, why := s.Enter(user)
		if (leave == nil) != (why != "") || refused == "" && why != "" || !strings.Contains(why, refused) {
			t.Fatalf("%s: %q, want %q", user, why, refused)
		}
		return leave
	}
	first := enter("ann", "")
	second := enter("ann", "")
	enter("ann", "Your account")
	bob := enter("bob", "")
	enter("bob", "Others")
	enter("cat", "Others")
	enter("ann", "Your account")
	first()
	enter("cat", "")()
	third := enter("ann", "")
	want := map[string]float64{"seawall_downloads_refused_total all": 2, "seawall_downloads_refused_total user": 2, "seawall_downloads_under_way ": 3}
	if diff := cmp.Diff(want, figures(t, registry)); diff != "" {
		t.Error(diff)
	}
	second()
	third()
	bob()
	if len(s.held) > 0 || s.sum != 0 || figures(t, registry)["seawall_downloads_under_way "] != 0 {
		t.Errorf("all left, and there are %d of %v", s.sum, s.held)
	}
	if _, err := NewSlots(1, 1, registry); err == nil {
		t.Error("the figures are registered twice")
	}
}

// figures returns what a registry says, by name and label.
func figures(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			label := ""
			for _, l := range m.GetLabel() {
				label = l.GetValue()
			}
			said[f.GetName()+" "+label] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return said
}

// pipes is a listener of connections in memory, which have the bubble's time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// TestSlowReaders: who stands still is cut off, who takes a little each time, too, and who
// is slow gets the file whole.
func TestSlowReaders(t *testing.T) {
	const size = 4 << 20
	for name, test := range map[string]struct {
		every time.Duration // between the reader's parts of 4 KiB
		whole bool
		least time.Duration
		most  time.Duration
	}{
		"fast":   {0, true, 0, time.Second},
		"slow":   {400 * time.Millisecond, true, 6 * time.Minute, 8 * time.Minute}, // 10 KiB/s
		"drip":   {time.Second, false, patience, 3 * time.Minute},
		"silent": {time.Hour, false, patience, patience + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				there, here := net.Pipe()
				connections := make(pipes, 1)
				connections <- there
				begin := time.Now()
				ended := make(chan time.Duration, 1)
				server := &http.Server{WriteTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
					Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						defer func() { ended <- time.Since(begin) }()
						_ = Stream(w, "hosts.csv", slog.New(slog.DiscardHandler), func(w io.Writer) error {
							_, err := w.Write(make([]byte, size)) // in one: it has more than one deadline
							return err
						})
					})}
				go func() { _ = server.Serve(connections) }()
				if _, err := io.WriteString(here, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				got, last := read(here, test.every)
				took := <-ended
				if whole := got == size && last == nil; whole != test.whole {
					t.Errorf("%d bytes, %v: whole %v", got, last, whole)
				}
				if took < test.least || took > test.most {
					t.Errorf("it took %v, not between %v and %v", took, test.least, test.most)
				}
				close(connections)
				_ = here.Close()
				_ = server.Close()
			})
		})
	}
}

// read takes the body of an answer, 4 KiB at a time.
func read(from io.Reader, every time.Duration) (n int, err error) {
	b := bufio.NewReaderSize(from, 4<<10)
	answer, err := http.ReadResponse(b, nil)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	for part := make([]byte, 4<<10); ; {
		if every > 0 {
			<-time.After(every)
		}
		got, err := answer.Body.Read(part)
		if n += got; errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}
