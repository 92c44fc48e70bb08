package web_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the API's document, with its schemas as another's validator reads them.
type contract struct {
	doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID, Summary string
			Parameters           []struct {
				Name, In, Description string
				Required              bool
				Schema                map[string]any
			}
			Responses map[string]struct {
				Ref     string `json:"$ref"`
				Content map[string]any
			}
		}
	}
	schemas *jsonschema.Compiler
}

func contractOf(t *testing.T, b *browser) *contract {
	t.Helper()
	a := b.get("/api/v1/openapi.json")
	if a.code != http.StatusOK || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("document: %d %v", a.code, a.header)
	}
	c := &contract{schemas: jsonschema.NewCompiler()}
	if err := json.Unmarshal([]byte(a.body), &c.doc); err != nil {
		t.Fatal(err)
	}
	whole, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	c.schemas.AssertFormat()
	if err := c.schemas.AddResource("api.json", whole); err != nil {
		t.Fatal(err)
	}
	return c
}

// pathOf returns the document's path for an address.
func (c *contract) pathOf(address string) string {
	address, _, _ = strings.Cut(address, "?")
	have := strings.Split(address, "/")
	best := ""
	for path := range c.doc.Paths {
		parts := strings.Split(path, "/")
		same := len(parts) == len(have)
		for i := 0; same && i < len(parts); i++ {
			same = parts[i] == have[i] || strings.HasPrefix(parts[i], "{")
		}
		if same && (best == "" || !strings.Contains(path, "{")) {
			best = path
		}
	}
	return best
}

// hold holds the answer to an address against the document.
func (c *contract) hold(t *testing.T, address string, a answer) {
	t.Helper()
	path := c.pathOf(address)
	said, ok := c.doc.Paths[path]["get"].Responses[strconv.Itoa(a.code)]
	if !ok {
		t.Errorf("%s: the document knows no answer %d of %q", address, a.code, path)
		return
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	escaped := strings.NewReplacer("~", "~0", "/", "~1")
	at := "#/paths/" + escaped.Replace(path) + "/get/responses/" + strconv.Itoa(a.code) + "/content/" + escaped.Replace(kind) + "/schema"
	switch {
	case said.Ref != "":
		at = said.Ref + "/content/" + escaped.Replace(kind) + "/schema"
	case said.Content[kind] == nil:
		t.Errorf("%s: the document knows no %s", address, kind)
		return
	case kind != "application/json":
		return // a file: its lines have tests of their own
	}
	schema, err := c.schemas.Compile("api.json" + at)
	if err != nil {
		t.Errorf("%s: %v", address, err)
		return
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(a.body))
	if err != nil {
		t.Errorf("%s: %v", address, err)
		return
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s: %d: %v", address, a.code, err)
	}
}

// TestDocumentIsWhole: every path of the API is in the document, and none else; every
// operation has a name of its own, every parameter is said to be what it is.
func TestDocumentIsWhole(t *testing.T) {
	s := newServer(t, config(demoFleet(demoNow)))
	b := open(t, s)
	b.login()
	c := contractOf(t, b)
	var have, said []string
	for _, r := range s.Routes() {
		if method, path, _ := strings.Cut(r.Pattern, " "); strings.HasPrefix(path, "/api/") {
			have = append(have, strings.ToLower(method)+" "+path)
		}
	}
	ids := map[string]bool{}
	for path, operations := range c.doc.Paths {
		for method, op := range operations {
			said = append(said, method+" "+path)
			if ids[op.OperationID] || op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s: operation %q", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			for _, p := range op.Parameters {
				inPath := strings.Contains(path, "{"+p.Name+"}")
				if p.Description == "" || p.Schema["type"] == nil || inPath != (p.In == "path") || inPath != p.Required {
					t.Errorf("%s: parameter %+v", path, p)
				}
			}
		}
	}
	slices.Sort(have)
	slices.Sort(said)
	if diff := cmp.Diff(have, said); diff != "" || !strings.HasPrefix(c.doc.OpenAPI, "3.1.") {
		t.Errorf("%s: %s", c.doc.OpenAPI, diff)
	}
	document := []byte(b.get("/api/v1/openapi.json").body)
	golden := filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.WriteFile(golden, document, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(want, document) {
		t.Errorf("the document changed (-update writes it): %v", err)
	}
}

// TestContract holds every kind of answer against the document: of a fleet with one of
// everything, of a larger one, and of a host that told nothing yet.
func TestContract(t *testing.T) {
	fleets := map[string]*demo{"small": smallFleet(), "demo": demoFleet(demoNow), "empty": newDemo(demoNow)}
	fleets["empty"].addHost(smallFleet().hosts[0].Labels, "offline", 0)
	for name, d := range fleets {
		t.Run(name, func(t *testing.T) {
			b := open(t, newServer(t, config(d)))
			c := contractOf(t, b.in())
			for _, path := range apiPaths(d) {
				c.hold(t, path, b.get(path))
			}
		})
	}
}

// in signs in.
func (b *browser) in() *browser {
	b.login()
	return b
}

// TestContractFinds: an answer that is not as the document says would be seen.
func TestContractFinds(t *testing.T) {
	d := demoFleet(demoNow)
	b := open(t, newServer(t, config(d)))
	c := contractOf(t, b.in())
	for name, body := range map[string]string{
		"a field too many": `{"hosts":[],"next":"","more":1}`, "a field missing": `{"hosts":[]}`, "null": `{"hosts":null,"next":""}`, "another type": `{"hosts":{},"next":""}`,
	} {
		schema, err := c.schemas.Compile("api.json#/paths/~1api~1v1~1hosts/get/responses/200/content/application~1json/schema")
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
