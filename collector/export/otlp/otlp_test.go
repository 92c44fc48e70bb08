package otlp

import (
	"flag"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"seawall/collector/export/item"
	"seawall/collector/export/itemtest"
)

var _ = flag.Bool("update", false, "write the golden files")

func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, i := range itemtest.Items() {
		line, err := Encode("1.2.3", i)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	itemtest.Golden(t, "items.jsonl", []byte(b.String()))
}

// TestSame: the JSON and the protobuf of a request are the same to OpenTelemetry's own
// decoder, and one host is one resource.
func TestSame(t *testing.T) {
	items := itemtest.Items()
	text, err := Encode("1.2.3", items...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Request("1.2.3", items...)
	if err != nil {
		t.Fatal(err)
	}
	var a, b collogs.ExportLogsServiceRequest
	if err := protojson.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&a, &b, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if len(b.ResourceLogs) != 1 || len(b.ResourceLogs[0].ScopeLogs[0].LogRecords) != len(items) {
		t.Errorf("%d resources", len(b.ResourceLogs))
	}
	if strings.Contains(string(text), "SEVERITY_NUMBER") {
		t.Error("an enumeration is written by its name")
	}
	other := items[0]
	other.Host = "b" + other.Host[1:]
	got, err := request("1", []item.Item{items[0], other, items[1]})
	if err != nil || len(got.ResourceLogs) != 2 || len(got.ResourceLogs[0].ScopeLogs[0].LogRecords) != 2 {
		t.Errorf("two hosts: %v", got)
	}
}

// TestHostile: any text can be encoded, both ways.
func TestHostile(t *testing.T) {
	line, err := Encode("1.2.3", itemtest.Hostile()...)
	if err != nil {
		t.Fatal(err)
	}
	if at := strings.IndexAny(string(line), itemtest.Steers+"\n"); at >= 0 {
		t.Errorf("lets %q through", line[max(0, at-20):at+4])
	}
	if _, err := Request("1.2.3", itemtest.Hostile()...); err != nil {
		t.Error(err)
	}
}

// TestRecordID: a record has the same id each time, and each other one another: another
// host's, another event's, and that of a detection that grew.
func TestRecordID(t *testing.T) {
	id := func(i item.Item) string {
		r, err := request("1", []item.Item{i})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range r.ResourceLogs[0].ScopeLogs[0].LogRecords[0].Attributes {
			if a.Key == "log.record.uid" {
				return a.Value.GetStringValue()
			}
		}
		return ""
	}
	seen := map[string]int{}
	told := func(k int, i item.Item) {
		one := id(i)
		if before, ok := seen[one]; ok || one != id(i) || len(one) != 32 {
			t.Errorf("%d and %d have the id %q", before, k, one)
		}
		seen[one] = k
	}
	for k, i := range itemtest.Items() {
		told(k, i)
		other := i
		other.Host = "b" + other.Host[1:]
		told(100+k, other)
		if i.Detection != nil {
			grown := *i.Detection
			grown.Count += 1000
			i.Detection = &grown
			told(200+k, i)
		} else if i.Event != 0 {
			i.Event += 1000
			told(300+k, i)
		}
	}
}
