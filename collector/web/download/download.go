// Package download answers with files that are made while they are sent: exports of any
// size, in little memory.
//
// A file that cannot be finished must not look whole. What fails before the first byte is
// an error to answer as usual; what fails later cuts the connection, which every client
// tells from the end of a file. Files are made of what hosts said, so browsers are told to
// keep them and never to show them: an attachment, of a type that no browser runs.
//
// Few are made at a time ([Slots]), and no reader holds one for ever: it may stand still for
// some seconds, and must take some KiB a second over the whole.
package download

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	buffer = 64 << 10
	// patience is how long a reader may take for each part: it bounds a reader that
	// stands still, and not a file that is long.
	patience = 30 * time.Second
	// slowest is how many bytes a second a reader takes at least, over the whole and beside
	// its patience: it bounds a reader that takes a little each time to hold its slot. The
	// time that the making takes does not count.
	slowest = 8 << 10
)

// Stream answers with the file that write makes. An error is returned when nothing was
// sent yet; later ones are logged, and the connection is cut.
func Stream(w http.ResponseWriter, name string, log *slog.Logger, write func(io.Writer) error) error {
	out := &sender{w: w, name: name}
	b := bufio.NewWriterSize(out, buffer)
	err := write(b)
	if err == nil {
		err = b.Flush()
	}
	if err == nil && !out.begun { // an empty file
		_, err = out.Write(nil)
	}
	switch {
	case err == nil:
		return nil
	case !out.begun:
		return err
	}
	if !errors.Is(err, errReader) {
		log.Error("a download was cut off", "file", name, "err", err)
	}
	panic(http.ErrAbortHandler)
}

// errReader marks errors of the connection: the reader is gone.
var errReader = errors.New("send to the reader")

// sender sends, and gives the reader time for each part.
type sender struct {
	w      http.ResponseWriter
	name   string
	begun  bool
	sent   int
	waited time.Duration // for the reader
}

// Write sends p in parts, so that each has its own deadline.
func (s *sender) Write(p []byte) (int, error) {
	sent := 0
	for {
		n, err := s.send(p[sent:min(len(p), sent+buffer)])
		if sent += n; err != nil || sent == len(p) {
			return sent, err
		}
	}
}

// left is how long the reader may take for the next part.
func (s *sender) left() time.Duration {
	return min(patience, patience+time.Duration(s.sent/slowest)*time.Second-s.waited)
}

func (s *sender) send(p []byte) (int, error) {
	begin := time.Now()
	defer func() { s.waited += time.Since(begin) }()
	// A recorder of tests has no deadline.
	if err := http.NewResponseController(s.w).SetWriteDeadline(begin.Add(s.left())); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("%w: %w", errReader, err)
	}
	if !s.begun {
		s.begun = true
		header(s.w.Header(), s.name)
		s.w.WriteHeader(http.StatusOK)
	}
	n, err := s.w.Write(p)
	s.sent += n
	if err != nil {
		return n, fmt.Errorf("%w: %w", errReader, err)
	}
	return n, nil
}

func header(h http.Header, name string) {
	h.Set("Content-Type", Type(name))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": safe(name)}))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// Type returns the content type of a file, by its name.
func Type(name string) string {
	switch path.Ext(name) {
	case ".csv":
		return "text/csv; charset=utf-8; header=present"
	case ".json":
		return "application/json"
	case ".jsonl":
		return "application/jsonl"
	}
	return "application/octet-stream"
}

// safe leaves of a name what is one on every system.
func safe(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, name)
	name = strings.TrimLeft(name, ".-")
	if name == "" {
		return "download"
	}
	return name[max(0, len(name)-100):]
}
