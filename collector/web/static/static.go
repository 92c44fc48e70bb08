// Package static holds the style sheet, the script and the icon. Their addresses
// carry a fingerprint of their content, so browsers may keep them for ever and
// still never mix an old one with a new page.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed files/*
var files embed.FS

// Prefix is the path below which all files are.
const Prefix = "/static/"

// Set is the files by address.
type Set struct {
	byPath    map[string]file
	addresses map[string]string
}

type file struct {
	name    string
	content []byte
}

// Load reads the files.
func Load() (*Set, error) {
	entries, err := fs.ReadDir(files, "files")
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	s := &Set{byPath: make(map[string]file), addresses: make(map[string]string)}
	for _, e := range entries {
		content, err := files.ReadFile(path.Join("files", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("static files: %w", err)
		}
		sum := sha256.Sum256(content)
		address := Prefix + hex.EncodeToString(sum[:8]) + "/" + e.Name()
		s.byPath[address] = file{e.Name(), content}
		s.addresses[e.Name()] = address
	}
	return s, nil
}

// Address returns the path of a file by name, "" when there is no such file.
func (s *Set) Address(name string) string { return s.addresses[name] }

// ServeHTTP answers with a file.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := s.byPath[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	if strings.HasSuffix(f.name, ".js") { // not what the machine's MIME table says
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	}
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.content))
}
