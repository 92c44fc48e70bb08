// Package dashboard opens a collector's pages as a browser does that somebody signed
// in with: it keeps cookies, follows the links of pages and listens to their events.
package dashboard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Dashboard is one that somebody has signed in to.
type Dashboard struct {
	base    string
	client  *http.Client
	cookies map[string]string
}

// Open signs in as a user. The address is that of connection.json.
func Open(ctx context.Context, address, user, password string) (*Dashboard, error) {
	d := &Dashboard{base: strings.TrimSuffix(address, "/"), cookies: make(map[string]string)}
	d.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := d.Get(ctx, "/login")
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	form := url.Values{"username": {user}, "password": {password}}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)"`).FindAllStringSubmatch(string(page.Body), -1) {
		form.Set(field[1], field[2])
	}
	answer, err := d.ask(ctx, http.MethodPost, "/login", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("sign in as %s: %s", user, answer.Status)
	}
	return d, nil
}

// Password returns the first password of a collector whose state is in folder/state. The
// collector deletes its file with the first sign-in, so it is kept beside it.
func Password(folder string) (string, error) {
	kept := filepath.Join(folder, "password")
	b, err := os.ReadFile(filepath.Join(folder, "state", "initial-password"))
	switch {
	case err == nil:
		err = os.WriteFile(kept, b, 0o600)
	case errors.Is(err, fs.ErrNotExist):
		b, err = os.ReadFile(kept)
	}
	if err != nil {
		return "", fmt.Errorf("read the first password: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// ask sends a request with the cookies, and keeps those of the answer.
func (d *Dashboard) ask(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, d.base+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	var all []string
	for name, value := range d.cookies {
		all = append(all, name+"="+value)
	}
	r.Header.Set("Cookie", strings.Join(all, "; "))
	r.Header.Set("Accept", "text/html,application/json,text/event-stream")
	answer, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	for _, c := range answer.Cookies() {
		d.cookies[c.Name] = c.Value
	}
	return answer, nil
}

// Page is the answer to a request.
type Page struct {
	Status int
	Type   string // Content-Type
	Body   []byte
	Took   time.Duration // until its last byte
}

// Get reads a page.
func (d *Dashboard) Get(ctx context.Context, path string) (Page, error) {
	began := time.Now()
	answer, err := d.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return Page{}, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return Page{}, fmt.Errorf("read %s: %w", path, err)
	}
	return Page{answer.StatusCode, answer.Header.Get("Content-Type"), b, time.Since(began)}, nil
}

// Links returns the paths of this dashboard that the page links to, each once.
func (p Page) Links() []string {
	var paths []string
	seen := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?:href|action)="(/[^"#]*)`).FindAllStringSubmatch(string(p.Body), -1) {
		path := strings.ReplaceAll(m[1], "&amp;", "&")
		if !seen[path] && !strings.HasPrefix(path, "//") {
			seen[path] = true
			paths = append(paths, path)
		}
	}
	return paths
}

// ErrOver is returned by [Dashboard.Events] when the server ended the stream.
var ErrOver = errors.New("the stream has ended")

// Events listens to a page's events until ctx ends, and calls each with the event's
// name and data.
func (d *Dashboard) Events(ctx context.Context, path string, each func(name, data string)) error {
	answer, err := d.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("listen to %s: %s", path, answer.Status)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	var name, data string
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch value = strings.TrimPrefix(value, " "); {
		case key == "event":
			name = value
		case key == "data":
			data = value
		case lines.Text() == "" && name != "":
			each(name, data)
			name, data = "", ""
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(ErrOver, lines.Err())
}
