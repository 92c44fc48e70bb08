package page

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"seawall/agent/report/sheet"
	"seawall/agent/report/sheettest"
)

func TestGolden(t *testing.T) {
	for name, s := range map[string]*sheet.Sheet{"sheet.html": sheettest.Sheet(), "changes.html": sheettest.Compared()} {
		text := strings.Replace(sheettest.Written(t, Write, s), style, "", 1)
		sheettest.Golden(t, name, []byte(text))
	}
}

// TestAlone: the file needs no other, and runs nothing.
func TestAlone(t *testing.T) {
	text := sheettest.Written(t, Write, sheettest.Sheet())
	for _, bad := range []string{"<script", "<link", "<img", "src=", "href=", "url(", "@import", "http:", "https:", " on", "<iframe"} {
		if strings.Contains(strings.ToLower(tags(text)), bad) || strings.Contains(style, bad) && bad != " on" {
			t.Errorf("has %s", bad)
		}
	}
	if !strings.Contains(text, "default-src 'none'") {
		t.Error("no policy")
	}
	for _, want := range []string{"prefers-color-scheme:dark", "@media print", "max-width:36rem"} {
		if !strings.Contains(style, want) {
			t.Errorf("no %s", want)
		}
	}
}

// tags are the tags of a page without what stands between them.
func tags(text string) string {
	return strings.Join(regexp.MustCompile(`<[^>]*>`).FindAllString(strings.Replace(text, style, "", 1), -1), "\n")
}

// TestHostile: what a host says is text, whatever it says: the tags are those of a
// host that says nothing, and they are closed.
func TestHostile(t *testing.T) {
	text := sheettest.Written(t, Write, sheettest.Hostile())
	if i := strings.IndexAny(text, sheettest.Steers); i >= 0 {
		t.Errorf("lets %q through", text[max(0, i-20):i+4])
	}
	known := strings.Split("html head meta title style body header h1 h2 h3 p section div span small strong table thead tbody tr th td br code pre article dl dt dd footer", " ")
	dec := xml.NewDecoder(strings.NewReader(strings.Replace(text, "<!doctype html>", "", 1)))
	dec.Strict = false
	dec.AutoClose = []string{"meta", "br"}
	dec.Entity = xml.HTMLEntity
	depth := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			depth++
			if !slices.Contains(known, token.Name.Local) {
				t.Errorf("an element %s", token.Name.Local)
			}
			for _, a := range token.Attr {
				if !slices.Contains([]string{"lang", "charset", "name", "content", "http-equiv", "class", "id", "scope"}, a.Name.Local) {
					t.Errorf("an attribute %s of %s", a.Name.Local, token.Name.Local)
				}
			}
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are not closed", depth)
	}
}

// TestNothing: a look at nothing is a page, without a score.
func TestNothing(t *testing.T) {
	text := sheettest.Written(t, Write, sheet.New(sheet.Sheet{}))
	if !strings.Contains(text, "no score") || !strings.Contains(text, "nothing was checked") {
		t.Error(text)
	}
}
