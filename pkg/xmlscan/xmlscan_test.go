package xmlscan

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// walk tells all that a document holds: tags with the attribute a, and the text of
// the elements t.
func walk(r io.Reader) (string, error) {
	var out strings.Builder
	s := New(r)
	for {
		start, err := s.Next()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return out.String(), err
		}
		if !start {
			fmt.Fprintf(&out, "/%s ", s.Name())
			continue
		}
		fmt.Fprintf(&out, "%s", s.Name())
		if a := s.Attr("a"); a != nil {
			fmt.Fprintf(&out, "=%s", a)
		}
		switch string(s.Name()) {
		case "t":
			text, err := s.Text(nil, 100)
			if err != nil {
				return out.String(), err
			}
			fmt.Fprintf(&out, ":%s", text)
		case "skip":
			if err := s.Skip(); err != nil {
				return out.String(), err
			}
		}
		out.WriteByte(' ')
	}
}

func TestScan(t *testing.T) {
	for in, want := range map[string]string{
		`<x/>`: "x /x ",
		"\ufeff<?xml version='1.0' encoding=\"UTF-8\"?>\n<x>\n</x>\n<!-- end --><?pi?>": "x /x ",
		`<?xml version="1.0"?><!--->--><x><y a="1"/><y  a = '2' ></y ></x>`:             "x y=1 /y y=2 /y /x ",
		`<x><t>a&lt;b&#38;&#x63;&amp;amp;</t></x>`:                                      "x t:a<b&c&amp; /x ",
		`<x><t>one<i>two</i><!-- <t> --> three<![CDATA[<&]]>]]></t></x>`:                "x t:onetwo three<&]]> /x ",
		`<x><t/><t></t></x>`: "x t: t: /x ",
		`<x><skip><t>no</t><skip a=">"/></skip><skip/><y b="a='1'" a="&quot;>"/></x>`: `x skip skip y=">/ /y /x `,
		`<x><![CDATA[<y>]]><p:q xmlns:a="n" a='"/>"'/></x>`:                           `x p:q="/>" /p:q /x `,
		"<x\n\ta=\"1\"\n/>": "x=1 /x ",
		`<t><![CDATA[` + strings.Repeat("]", 90) + `]]></t>`: "t:" + strings.Repeat("]", 90) + " ",
	} {
		want = strings.Replace(want, `">/ `, `"> `, 1)
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(in), "bytewise": iotest.OneByteReader(strings.NewReader(in)),
			"last with the end": iotest.DataErrReader(strings.NewReader(in)),
		} {
			got, err := walk(r)
			if err != nil {
				t.Errorf("%s, %s: %v", in, name, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", in, name, diff)
			}
		}
	}
}

func hostile() map[string]string {
	long := strings.Repeat("x", 100<<10)
	return map[string]string{
		"empty":            "",
		"blank":            " \n",
		"no XML":           "metadata",
		"behind the root":  "<x/>y",
		"second root":      "<x/><y/>",
		"cut tag":          "<x><y",
		"cut text":         "<x>y",
		"cut quote":        `<x a="`,
		"cut comment":      "<x><!-- ",
		"cut CDATA":        "<x><![CDATA[",
		"cut CDATA begin":  "<t><![CD",
		"cut instruction":  "<x/><?",
		"not closed":       "<x><y></y>",
		"wrong end":        "<x><y></x></y>",
		"end alone":        "</x>",
		"prefix of a name": "<xy></x>",
		"no name":          "<x>< y/></x>",
		"tag in a tag":     "<x <y/></x>",
		"quote with tag":   `<x a="<y/>"/>`,
		"bare attribute":   "<x a/>",
		"no quotes":        "<x a=1/>",
		"attribute name":   `<x b" a="1"/>`,
		"doctype":          `<!DOCTYPE x [<!ENTITY e "ee">]><x/>`,
		"doctype inside":   `<x><!ENTITY e "ee"></x>`,
		"CDATA outside":    "<![CDATA[ ]]><x/>",
		"unknown entity":   "<t>&e;</t>",
		"entity in attr":   `<x a="&e;"/>`,
		"bare ampersand":   "<t>a & b</t>",
		"entity too long":  "<t>&#00000000000000000000000065;</t>",
		"entity NUL":       "<t>&#0;</t>",
		"surrogate":        "<t>&#xd800;</t>",
		"above Unicode":    "<t>&#x110000;</t>",
		"signed":           "<t>&#+65;</t>",
		"encoding":         `<?xml version="1.0" encoding="UTF-16"?><x/>`,
		"long text":        "<t>" + long + "</t>",
		"long CDATA":       "<t><![CDATA[" + long + "]]></t>",
		"long pieces":      "<t>" + strings.Repeat("xx<y/>", 60) + "</t>",
		"long attribute":   `<x a="` + long + `"/>`,
		"long name":        "<" + long + "/>",
		"long end":         "<x></x" + strings.Repeat(" ", 100<<10) + ">",
		"many in quotes":   `<x a="` + strings.Repeat(">", 100<<10) + `"/>`,
		"deep":             strings.Repeat("<x>", MaxDepth+1) + strings.Repeat("</x>", MaxDepth+1),
	}
}

func TestHostile(t *testing.T) {
	for name, in := range hostile() {
		if got, err := walk(strings.NewReader(in)); !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: got %.80q, %v, want ErrSyntax", name, got, err)
		}
	}
}

// TestLongWhereNobodyLooks: text and comments that are passed over may be long.
func TestLongWhereNobodyLooks(t *testing.T) {
	long := strings.Repeat("x -- ]] ? &", 100<<10)
	in := "<x>" + long + "<!--" + long + "--><?" + long + "?><![CDATA[" + long + "]]><y a='1'/>" + long + "</x>"
	if got, err := walk(strings.NewReader(in)); err != nil || got != "x y=1 /y /x " {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestAttr: values by name, in whatever way they are written; what is no attribute
// fails at the next tag, if it was come to.
func TestAttr(t *testing.T) {
	const in = "<x one='1'  two = \"2\"\n\tthree='a=\"b\"' empty='' a:b='c' ent='&lt;&#65;&amp;&quot;' one='again'/>"
	s := New(strings.NewReader(in))
	if start, err := s.Next(); !start || err != nil {
		t.Fatal(start, err)
	}
	for name, want := range map[string]string{"one": "1", "two": "2", "three": `a="b"`, "a:b": "c", "ent": `<A&"`} {
		if got := s.Attr(name); string(got) != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if s.Attr("empty") == nil || len(s.Attr("empty")) != 0 {
		t.Error("an empty value is not one that is missing")
	}
	for _, name := range []string{"b", "on", "onee", "", "ONE", "&lt;"} {
		if got := s.Attr(name); got != nil {
			t.Errorf("%q: got %q", name, got)
		}
	}
	if start, err := s.Next(); start || err != nil || s.Attr("one") != nil {
		t.Errorf("the end tag has attributes: %v, %v", start, err)
	}
	bad := New(strings.NewReader("<x a='1' b/>"))
	if _, err := bad.Next(); err != nil || string(bad.Attr("a")) != "1" {
		t.Errorf("what stands before the damage: %v", err)
	}
	if bad.Attr("b") != nil {
		t.Error("an attribute without a value has one")
	}
	if _, err := bad.Next(); !errors.Is(err, ErrSyntax) {
		t.Errorf("got %v", err)
	}
}

// TestSkip: the rest of an element is passed over, whatever it holds and however much
// of it is in the buffer; what comes behind is found.
func TestSkip(t *testing.T) {
	long := strings.Repeat("text ", MaxTag)
	for name, inner := range map[string]string{
		"nothing": "", "text": "a &amp; b", "elements": "<a><b/></a><c></c>", "of the same name": "<s><s/></s>", "of a longer name": "<ss></ss>",
		"a comment with an end": "<!-- </s> -->", "CDATA with an end": "<![CDATA[</s>]]>", "an instruction with an end": "<?p </s> ?>",
		"more than the buffer": long, "long within": "<a>" + long + "</a>", "end with blanks": "<a></a ></s \n><s>", "a prefix": "<a></a>",
	} {
		in := "<x><s k='v'>" + inner + "</s><y a='1'/></x>"
		if name == "end with blanks" {
			in = "<x><s><a></a ></s \n><y a='1'/></x>"
		}
		for how, r := range map[string]io.Reader{"whole": strings.NewReader(in), "halves": iotest.HalfReader(strings.NewReader(in)), "bytewise": iotest.OneByteReader(strings.NewReader(in))} {
			s := New(r)
			for range 2 {
				if start, err := s.Next(); !start || err != nil {
					t.Fatalf("%s, %s: %v, %v", name, how, start, err)
				}
			}
			if err := s.Skip(); err != nil || s.Depth() != 1 {
				t.Errorf("%s, %s: %v at depth %d", name, how, err, s.Depth())
				continue
			}
			if start, err := s.Next(); !start || err != nil || string(s.Name()) != "y" || string(s.Attr("a")) != "1" {
				t.Errorf("%s, %s: behind it is %q, %v", name, how, s.Name(), err)
			}
		}
	}
	// An element that does not end is no short one.
	for _, in := range []string{"<x><s>", "<x><s><y/>", "<x><s></x>", "<x><s>" + long} {
		s := New(strings.NewReader(in))
		_, _ = s.Next()
		_, _ = s.Next()
		if err := s.Skip(); !errors.Is(err, ErrSyntax) {
			t.Errorf("%.20s: %v", in, err)
		}
	}
}

// TestTextLimit: the limit is of what is kept, to the byte, and counts nothing that was
// in dst before.
func TestTextLimit(t *testing.T) {
	for in, want := range map[string]int{
		"12345": 5, "&lt;&lt;&gt;&gt;&amp;": 5, "<![CDATA[12345]]>": 5, "1<a>2</a>3<![CDATA[4]]>5<!-- much more than five -->": 5, "é&#233;1": 5,
	} {
		for limit := 1; limit < 8; limit++ {
			s := New(strings.NewReader("<t>" + in + "</t>"))
			if _, err := s.Next(); err != nil {
				t.Fatal(err)
			}
			got, err := s.Text([]byte("before"), limit)
			if tooLong := want > limit; errors.Is(err, ErrSyntax) != tooLong || !tooLong && len(got) != len("before")+want {
				t.Errorf("%s to %d bytes: %q, %v", in, limit, got, err)
			}
		}
	}
}

// TestMemory: a document of any length and shape takes one buffer.
func TestMemory(t *testing.T) {
	for name, part := range map[string]string{
		"elements": "<a b='c'>text</a>", "comments": "<!-- a comment -->", "text": "nothing but text ", "blanks": "          ",
		"long tags": "<a b='" + strings.Repeat("x", MaxTag/2) + "'/>", "deep": strings.Repeat("<a>", MaxDepth-1) + strings.Repeat("</a>", MaxDepth-1),
	} {
		in := "<x>" + strings.Repeat(part, (4<<20)/len(part)) + "</x>"
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := New(strings.NewReader(in))
		var err error
		for err == nil {
			if _, err = s.Next(); err == nil {
				s.Attr("b")
			}
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, io.EOF) || errors.Is(err, ErrSyntax) || used > 4*MaxTag {
			t.Errorf("%s: %v with %d bytes of memory", name, err, used)
		}
	}
}

// TestWhere: an error says at which byte, counted from the beginning of the input.
func TestWhere(t *testing.T) {
	for _, n := range []int{0, 10, 3 * MaxTag} {
		in := "<x>" + strings.Repeat(" ", n) + "</y>"
		_, err := walk(strings.NewReader(in))
		if want := fmt.Sprintf("byte %d: ", n+3); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("input/output error")
	r := io.MultiReader(strings.NewReader("<x><y/>"), iotest.ErrReader(broken))
	if _, err := walk(r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := walk(idle{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// FuzzScan: no input makes the scanner panic or run on, how the input comes in
// pieces changes nothing, and what it accepts encoding/xml reads alike.
func FuzzScan(f *testing.F) {
	for _, in := range hostile() {
		f.Add([]byte(in[:min(len(in), 200)]))
	}
	f.Add([]byte(`<x><t a="&lt;">one<i>two</i><!-- --><![CDATA[<&]]></t><skip><y/></skip></x>`))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := walk(strings.NewReader(string(in)))
		again, errAgain := walk(iotest.OneByteReader(strings.NewReader(string(in))))
		if got != again || (err == nil) != (errAgain == nil) {
			t.Fatalf("whole: %q, %v\nbytewise: %q, %v", got, err, again, errAgain)
		}
		if err != nil {
			return
		}
		if want, ok := standard(in); ok && want != names(in) {
			t.Fatalf("%q: got %q, want %q", in, names(in), want)
		}
	})
}

// names are the tags as the scanner sees them.
func names(in []byte) string {
	var out strings.Builder
	for s := New(strings.NewReader(string(in))); ; {
		start, err := s.Next()
		if err != nil {
			return out.String()
		}
		fmt.Fprintf(&out, "%v %s\n", start, s.Name())
	}
}

// standard are the tags as encoding/xml sees them, where it accepts the input.
func standard(in []byte) (string, bool) {
	var out strings.Builder
	for d := xml.NewDecoder(strings.NewReader(string(in))); ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return out.String(), true
		}
		if err != nil {
			return "", false
		}
		name := func(n xml.Name) string { return strings.TrimPrefix(n.Space+":"+n.Local, ":") }
		switch e := token.(type) {
		case xml.StartElement:
			fmt.Fprintf(&out, "true %s\n", name(e.Name))
		case xml.EndElement:
			fmt.Fprintf(&out, "false %s\n", name(e.Name))
		}
	}
}

// TestSeeds: the fuzz target begins with what is known to do harm.
func TestSeeds(t *testing.T) {
	if len(hostile()) < 30 {
		t.Error("few seeds")
	}
	if seeds, err := os.ReadDir("testdata/fuzz/FuzzScan"); err == nil && len(seeds) == 0 {
		t.Error("testdata/fuzz/FuzzScan is empty")
	}
}

func BenchmarkScan(b *testing.B) {
	one := `<update type="security"><id>X-1</id><references><reference href="https://x/1" id="CVE-2024-1" type="cve"/></references>` +
		`<pkglist><collection><package name="openssl" version="3.0.7" release="27.el9" epoch="1" arch="x86_64" src="openssl-3.0.7-27.el9.src.rpm">` +
		`<filename>openssl-3.0.7-27.el9.x86_64.rpm</filename></package></collection></pkglist></update>` + "\n"
	in := "<updates>" + strings.Repeat(one, 10_000) + "</updates>"
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		s := New(strings.NewReader(in))
		for {
			start, err := s.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if start {
				s.Attr("name")
			}
		}
	}
}
