package fault

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// hostileHTTP talks to the collector below gRPC.
func hostileHTTP(t *testing.T) string {
	s := startSystem(t, ground{direct: true})
	l := newLedger()
	address := s.uplink.Argv[indexOf(s.uplink.Argv, "--collector")+1]
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}} // whoever it is
	before := residentBytes(t, s.collector)
	var idle []net.Conn
	for range 1000 {
		if c, err := net.Dial("tcp", address); err == nil {
			idle = append(idle, c)
		}
	}
	talk := func(attack func(f *http2.Framer) error) {
		c, err := tls.Dial("tcp", address, config)
		if err != nil {
			return // refused: that, too, is an answer
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(15 * time.Second))
		go io.Copy(io.Discard, c)
		io.WriteString(c, http2.ClientPreface)
		f := http2.NewFramer(c, nil)
		if f.WriteSettings() == nil {
			attack(f)
		}
	}
	var block strings.Builder
	encoder := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":path", "/seawall.v1.IngestService/Deliver"}, {":authority", "x"}, {"content-type", "application/grpc"}} {
		encoder.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	headers := []byte(block.String())
	resets, continued := 0, 0
	talk(func(f *http2.Framer) (err error) {
		for ; err == nil && resets < 20_000; resets++ {
			id := uint32(2*resets + 1)
			err = errors.Join(f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: headers, EndHeaders: true}),
				f.WriteRSTStream(id, http2.ErrCodeCancel))
		}
		return err
	})
	talk(func(f *http2.Framer) error {
		err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers})
		for ; err == nil && continued < 20_000; continued++ {
			err = f.WriteContinuation(1, false, []byte("\x00\x01a\x7f\x81\x07"+strings.Repeat("b", 1024)))
		}
		return err
	})
	start := time.Now()
	s.write(t, l, 0, 50)
	s.arrived(t)
	took := time.Since(start)
	memory := residentBytes(t, s.collector)
	for _, c := range idle {
		c.Close()
	}
	s.collector.Alive(t)
	if memory > before+128<<20 {
		t.Errorf("the collector went from %d to %d MiB", before>>20, memory>>20)
	}
	return fmt.Sprintf("%d connections idle, %d resets, %d continuations; collector %d → %d MiB; a host's findings in %v",
		len(idle), resets, continued, before>>20, memory>>20, took.Round(time.Millisecond))
}
