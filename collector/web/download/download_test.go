package download

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve returns a server whose only file is made by write.
func serve(t *testing.T, name string, write func(io.Writer) error) (*httptest.Server, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := Stream(w, name, slog.New(slog.NewTextHandler(&log, nil)), write); err != nil {
			http.Error(w, "not made", http.StatusInternalServerError)
		}
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(s.Close)
	return s, &log
}

func get(t *testing.T, s *httptest.Server) (*http.Response, []byte, error) {
	t.Helper()
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, body, err
}

func TestWhole(t *testing.T) {
	for name, size := range map[string]int{"hosts.csv": 3 << 20, "empty.jsonl": 0} {
		s, _ := serve(t, name, func(w io.Writer) error {
			_, err := io.CopyN(w, strings.NewReader(strings.Repeat("x", size)), int64(size))
			return err
		})
		resp, body, err := get(t, s)
		if err != nil || len(body) != size || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, %d bytes, %v", name, resp.StatusCode, len(body), err)
		}
		if got, want := resp.Header.Get("Content-Disposition"), "attachment; filename="+name; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Type") != Type(name) {
			t.Errorf("%s: headers %v", name, resp.Header)
		}
	}
}

// TestFailsFirst: nothing was sent, so the answer is an error.
func TestFailsFirst(t *testing.T) {
	s, _ := serve(t, "hosts.csv", func(w io.Writer) error {
		_, _ = io.WriteString(w, "a head that stays in the buffer")
		return errors.New("the store is away")
	})
	resp, body, err := get(t, s)
	if err != nil || resp.StatusCode != http.StatusInternalServerError || string(body) != "not made\n" || resp.Header.Get("Content-Disposition") != "" {
		t.Errorf("%d %q %v", resp.StatusCode, body, err)
	}
}

// TestFailsLater: half a file does not look whole.
func TestFailsLater(t *testing.T) {
	s, log := serve(t, "hosts.csv", func(w io.Writer) error {
		_, _ = io.WriteString(w, strings.Repeat("x", 3*buffer))
		return errors.New("the store is away")
	})
	resp, _, err := get(t, s)
	if resp.StatusCode != http.StatusOK || err == nil {
		t.Errorf("%d %v", resp.StatusCode, err)
	}
	s.Close()
	if !strings.Contains(log.String(), "the store is away") {
		t.Errorf("log: %s", log)
	}
}

// TestReaderGone: a reader that leaves ends the making, and is nobody's error.
func TestReaderGone(t *testing.T) {
	ended := make(chan error, 1)
	s, log := serve(t, "hosts.csv", func(w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, buffer)); err != nil {
				ended <- err
				return err
			}
		}
	})
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if err := <-ended; !errors.Is(err, errReader) {
		t.Error(err)
	}
	s.Close()
	if log.Len() > 0 {
		t.Errorf("log: %s", log)
	}
}

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"web-1.csv": "web-1.csv", "../../etc/passwd": "_.._etc_passwd", "a\"; x=\r\ny.csv": "a___x___y.csv", "": "download", "...": "download", ".-x": "x",
		"ü\u202e.csv": "__.csv", strings.Repeat("a", 300) + ".csv": strings.Repeat("a", 96) + ".csv",
	} {
		if got := safe(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
