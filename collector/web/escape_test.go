package web_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"seawall/pkg/text"
)

// shape is what a page may consist of, whatever the data: anything else was
// made by a host.
type shape struct {
	t    *testing.T
	page string
	text strings.Builder
}

// elements are all that the templates use. Script and link stand in the head
// only.
var elements = strings.Fields(`html head meta title link script body a header div span nav p form input button main section article
	h1 h2 h3 h4 h5 ul ol li dl dt dd table caption thead tbody tr th td code pre bdi b small details summary time footer figure figcaption label select option fieldset legend
	svg path rect circle line text title g`)

func (s *shape) walk(n *html.Node) {
	switch n.Type {
	case html.ElementNode:
		s.element(n)
	case html.CommentNode:
		s.t.Errorf("%s: a comment: %.80q", s.page, n.Data)
	case html.TextNode:
		s.text.WriteString(n.Data)
		s.text.WriteByte(' ')
	case html.DocumentNode, html.DoctypeNode, html.ErrorNode, html.RawNode:
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		s.walk(c)
	}
}

func (s *shape) element(n *html.Node) {
	if !slices.Contains(elements, n.Data) {
		s.t.Errorf("%s: an element <%s>", s.page, n.Data)
	}
	for _, a := range n.Attr {
		switch {
		case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc", a.Key == "formaction", strings.ContainsAny(a.Key, "<>\"'="):
			s.t.Errorf("%s: <%s> has %s=%.80q", s.page, n.Data, a.Key, a.Val)
		case a.Key == "href", a.Key == "src", a.Key == "action":
			s.address(n.Data, a.Val)
		}
	}
	if n.Data == "script" && (n.FirstChild != nil || n.Parent.Data != "head") {
		s.t.Errorf("%s: a script that is not the page's own", s.page)
	}
}

// address accepts paths of our own and, for links, https elsewhere.
func (s *shape) address(element, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		s.t.Errorf("%s: <%s> leads to %.80q: %v", s.page, element, address, err)
	case u.Scheme == "" && u.Host == "" && (strings.HasPrefix(u.Path, "/") || u.Path == "" && u.Fragment != ""):
	case element == "a" && u.Scheme == "https" && u.User == nil:
	default:
		s.t.Errorf("%s: <%s> leads to %.80q", s.page, element, address)
	}
}

func check(t *testing.T, page, body string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	s := &shape{t: t, page: page}
	s.walk(doc)
	return s.text.String()
}

// TestHostileText puts hundreds of hostile strings into every text that a host
// may send, and finds on each page the elements of the templates and no others.
func TestHostileText(t *testing.T) {
	texts := hostileStrings()
	if len(texts) < 200 {
		t.Fatalf("only %d strings", len(texts))
	}
	for len(texts) > 0 {
		n := min(37, len(texts)) // each string comes to each field by rotation
		d := demoFleet(demoNow)
		id := addHostile(d, texts[:n])
		b := open(t, newServer(t, config(d)))
		b.login()
		pages := []string{"/", "/hosts", "/hosts/" + string(id), "/hosts/" + string(id) + "?before=90", "/checks", "/hosts/" + string(id) + "?fragment=all", "/?fragment=live", "/checks?fragment=all", "/detections", "/detections?fragment=live"}
		for k := range texts[:n] {
			pages = append(pages, fmt.Sprintf("/hosts/%s/detections/%x", id, k+1))
		}
		for check := range maps.Keys(d.checks) {
			if !strings.HasPrefix(check, "ssh-") && check != "" && check != ".." {
				pages = append(pages, "/checks/"+url.PathEscape(check))
			}
		}
		for _, s := range texts[:min(5, n)] {
			pages = append(pages, "/hosts?"+url.Values{"q": {s}, "family": {s}, "sort": {s}, "status": {s}, "page": {s}}.Encode(), "/"+url.PathEscape(s), "/checks?"+url.Values{"q": {s}}.Encode(), "/detections?"+url.Values{"rule": {s}, "host": {s}, "severity": {s}, "before": {s}}.Encode())
		}
		for _, path := range pages {
			a := b.get(path)
			if a.code != 200 && a.code != 404 {
				t.Errorf("%s: %d", path, a.code)
				continue
			}
			said := check(t, path, a.body)
			if strings.HasPrefix(path, "/hosts/") && !strings.Contains(path, "before") && !strings.Contains(path, "detections") {
				for _, s := range texts[:n] {
					if want := strings.TrimSpace(text.Terminal(s)); len(want) < 100 && !strings.Contains(said, want) {
						t.Errorf("%s does not show %q as it is", path, want)
					}
				}
			}
		}
		for _, path := range []string{"/api/v1/overview", "/api/v1/hosts", "/api/v1/hosts/" + string(id), "/api/v1/requests", "/api/v1/checks", "/api/v1/timeline?limit=200", "/api/v1/detections", "/api/v1/hosts/" + string(id) + "/detections/1"} {
			if a := b.get(path); a.code != 200 || !json.Valid([]byte(a.body)) || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d, valid: %v", path, a.code, json.Valid([]byte(a.body)))
			}
		}
		texts = texts[n:]
	}
}

// FuzzPage puts one string into every text of a host and finds the page's own
// elements only.
func FuzzPage(f *testing.F) {
	for _, s := range hostileStrings() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := text.Clean(raw, text.Limit)
		d := newDemo(demoNow)
		id := addHostile(d, []string{s})
		b := open(t, newServer(t, config(d)))
		b.login()
		for _, path := range []string{"/hosts/" + string(id), "/hosts", "/", "/detections", "/hosts/" + string(id) + "/detections/1"} {
			a := b.get(path)
			if a.code != 200 {
				t.Fatalf("%s: %d: %s", path, a.code, a.body)
			}
			said := check(t, path, a.body)
			if i := strings.IndexFunc(said, func(r rune) bool { return r != '\n' && text.Terminal(string(r)) != string(r) }); i >= 0 {
				t.Errorf("%s shows %q", path, said[i:min(i+20, len(said))])
			}
		}
	})
}
