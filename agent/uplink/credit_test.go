package uplink

import (
	"slices"
	"strings"
	"testing"

	seawallv1 "seawall/proto/seawall/v1"
)

// TestCreditChanges lowers the credit of a live stream: batches become smaller, and
// one at a time goes.
func TestCreditChanges(t *testing.T) {
	c := newCollector(t)
	sizes := make(chan int, 1000)
	c.serve = func(stream serverStream) error {
		stream.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Credit{Credit: &seawallv1.Credit{MaxInFlightBytes: 16 << 10}}})
		for {
			m, err := stream.Recv()
			if err != nil {
				return err
			}
			sizes <- int(m.GetBatch().GetSize())
			stream.Send(ack(c.take(m.GetBatch())))
		}
	}
	l := newLink(t, c.start())
	l.start()
	l.waitState("connection", func(s State) bool { return s.Connected })
	l.append("posture", "first") // behind the credit, or its acknowledgement is
	c.waitFor("posture", []string{"first"})
	payload := strings.Repeat("x", 1000)
	for range 200 {
		if _, err := l.spool.Append("posture", []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	l.append("posture", strings.Repeat("y", 60<<10)) // larger than the credit, and sent
	c.wait("all", func() bool { return len(c.got["posture"]) == 202 })
	l.stop()
	close(sizes)
	largest := 0
	all := slices.Collect(func(yield func(int) bool) {
		for n := range sizes {
			if !yield(n) {
				return
			}
		}
	})
	for _, n := range all[:len(all)-1] {
		largest = max(largest, n)
	}
	if largest > 16<<10 || largest < 2000 {
		t.Errorf("batches of up to %d bytes with a credit of 16 KiB", largest)
	}
}
