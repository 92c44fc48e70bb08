package fault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"seawall/pkg/wire"
	seawallv1 "seawall/proto/seawall/v1"
	"seawall/scripts/stage"
)

func peerFaults() []fault {
	return []fault{
		{"F45", "hostile collector", "noise, endless frames, false acks, floods, absurd bounds, from the right key", "uplink lives, memory bounded, then delivers to the true one", hostileCollector},
		{"F46", "hostile host", "no hello, giant, noise, a bomb, other lanes, backwards, floods", "its stream ends; another host is served meanwhile", hostileHost},
		{"F47", "HTTP/2 abuse", "rapid reset, CONTINUATION without end, 1,000 connections before TLS", "collector lives, memory bounded, a host is served", hostileHTTP},
		{"F54", "odd audit records", "larger than a message, split arguments, interleaved, no end", "assembled or partial, bounded, never a panic", oddRecords},
	}
}

// trickster is a collector with the right key that misbehaves in one way.
type trickster struct {
	seawallv1.UnimplementedIngestServiceServer
	trick   func(seawallv1.IngestService_DeliverServer) error
	streams atomic.Int64
}

func (s *trickster) Deliver(stream seawallv1.IngestService_DeliverServer) error {
	s.streams.Add(1)
	return s.trick(stream)
}

// welcome answers a host's hello as a collector would.
func welcome(stream seawallv1.IngestService_DeliverServer, change func(*seawallv1.Welcome)) error {
	hello, err := stream.Recv()
	if err != nil {
		return err
	}
	w := &seawallv1.Welcome{Protocol: 2, MaxBatchBytes: 256 << 10, MaxInFlightBytes: 1 << 20,
		Session: (hello.GetHello().GetSession()>>32 + 1) << 32}
	if change != nil {
		change(w)
	}
	return stream.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Welcome{Welcome: w}})
}

func acknowledge(lane string, epoch, seq uint64) *seawallv1.DeliverResponse {
	return &seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Ack{
		Ack: &seawallv1.Ack{Position: &seawallv1.Position{Lane: lane, Epoch: epoch, Sequence: seq}}}}
}

// tricks are what a collector may do to a host with messages that it can encode.
func tricks() map[string]func(seawallv1.IngestService_DeliverServer) error {
	return map[string]func(seawallv1.IngestService_DeliverServer) error{
		"acknowledges what was never sent": func(s seawallv1.IngestService_DeliverServer) error {
			err := welcome(s, nil)
			for n := uint64(1); err == nil && n < 1000; n++ {
				err = s.Send(acknowledge("posture", rand.Uint64(), 1<<62+n))
			}
			return err
		},
		"sends without end": func(s seawallv1.IngestService_DeliverServer) error {
			err := welcome(s, nil)
			for n := 0; err == nil && n < 20_000; n++ {
				err = s.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Credit{Credit: &seawallv1.Credit{MaxInFlightBytes: uint32(n)}}})
			}
			return err
		},
		"sends 100 MB": func(s seawallv1.IngestService_DeliverServer) error {
			return s.Send(acknowledge(strings.Repeat("x", 100<<20), 1, 1))
		},
		"bounds of zero": func(s seawallv1.IngestService_DeliverServer) error {
			return errors.Join(welcome(s, func(w *seawallv1.Welcome) { w.MaxBatchBytes, w.MaxInFlightBytes = 1, 0 }), s.Context().Err())
		},
		"10,000 positions": func(s seawallv1.IngestService_DeliverServer) error {
			return welcome(s, func(w *seawallv1.Welcome) {
				for n := range 10_000 {
					w.Have = append(w.Have, &seawallv1.Position{Lane: fmt.Sprint("lane", n), Epoch: 1, Sequence: 1 << 60})
				}
			})
		},
		"a session from the far end": func(s seawallv1.IngestService_DeliverServer) error {
			return welcome(s, func(w *seawallv1.Welcome) { w.Session = 1<<64 - 1 })
		},
		"a bundle of noise": func(s seawallv1.IngestService_DeliverServer) error {
			err := welcome(s, nil)
			for n := uint64(0); err == nil && n < 64; n++ {
				err = s.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Bundle{
					Bundle: &seawallv1.Bundle{Revision: 1<<63 + n, Authorities: [][]byte{make([]byte, 4096)}}}})
			}
			return err
		},
		"drains for ever": func(s seawallv1.IngestService_DeliverServer) error {
			return s.Send(&seawallv1.DeliverResponse{Message: &seawallv1.DeliverResponse_Drain{Drain: &seawallv1.Drain{ReconnectWithinMs: 0}}})
		},
	}
}

func hostileCollector(t *testing.T) string {
	s := startSystem(t, ground{direct: true})
	l := newLedger()
	s.write(t, l, 0, 100)
	s.arrived(t)
	config := s.authorityAt(t, 0).Hosts() // the key is the true one's
	s.collector.End(t)
	s.write(t, l, 1, 500)
	address := s.uplink.Argv[indexOf(s.uplink.Argv, "--collector")+1]
	memory, done := int64(0), 0
	for name, trick := range tricks() {
		service := &trickster{trick: trick}
		var listener net.Listener
		stage.Await(t, "the address", 30*time.Second, func() (ok bool) {
			var err error
			listener, err = net.Listen("tcp", address)
			return err == nil
		})
		g := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.MaxSendMsgSize(1<<30))
		seawallv1.RegisterIngestServiceServer(g, service)
		go g.Serve(listener)
		// That it comes again shows that it lived through the first.
		stage.Await(t, "two streams to a collector: "+name, 60*time.Second, func() bool {
			s.uplink.Alive(t)
			memory = max(memory, residentBytes(t, s.uplink))
			return service.streams.Load() >= 2
		})
		g.Stop()
		if n := service.streams.Load(); n > 20 {
			t.Errorf("%s: %d streams in a loop", name, n)
		}
		done++
	}
	for name, talk := range map[string]func(net.Conn){
		"noise":          func(c net.Conn) { io.CopyN(c, endless{}, 8<<20) },
		"endless frames": endlessFrames,
	} {
		f := falseServer(t, address, config, talk)
		stage.Await(t, "a try at "+name, 60*time.Second, func() bool {
			memory = max(memory, residentBytes(t, s.uplink))
			return f.tries.Load() >= 1
		})
		f.close()
		done++
	}
	s.uplink.Alive(t)
	if memory > 128<<20 {
		t.Errorf("the uplink took %d MiB", memory>>20)
	}
	// Of sessions and bundles the true collector may have the older ones now.
	s.collector.Start(t)
	s.arrived(t)
	stored, _ := s.exact(t, l)
	return fmt.Sprintf("%d tricks, uplink at most %d MiB; %d of %d stored by the true one", done, memory>>20, stored, len(l.durable))
}

// endless is noise.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return len(b), nil
}

// endlessFrames opens HTTP/2 well and then sends settings and pings for a while.
func endlessFrames(c net.Conn) {
	f := http2.NewFramer(c, c)
	err := f.WriteSettings()
	for n := 0; err == nil && n < 100_000; n++ {
		err = errors.Join(f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(n)}), f.WritePing(false, [8]byte{byte(n)}))
	}
}

// client is a raw client with the host's certificate.
func client(t *testing.T, address string, config *tls.Config) seawallv1.IngestServiceClient {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return seawallv1.NewIngestServiceClient(conn)
}

// batchOf is a batch of good findings from a sequence on.
func batchOf(lane string, epoch, from uint64, n int) *seawallv1.DeliverRequest {
	entries := &seawallv1.Entries{}
	for i := range n {
		payload, err := wire.Encode(made(99, i))
		if err != nil {
			continue
		}
		entries.Entries = append(entries.Entries, &seawallv1.Entry{Sequence: from + uint64(i), Payload: payload})
	}
	raw, err := proto.Marshal(entries)
	if err != nil {
		raw = nil
	}
	return batchRaw(lane, epoch, raw, uint32(len(raw)), seawallv1.Compression_COMPRESSION_UNSPECIFIED)
}

func batchRaw(lane string, epoch uint64, raw []byte, size uint32, c seawallv1.Compression) *seawallv1.DeliverRequest {
	return &seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Batch{
		Batch: &seawallv1.Batch{Lane: lane, Epoch: epoch, Compression: c, Size: size, Entries: raw}}}
}

// attacks are what a host may send behind a good hello.
func attacks() map[string][]*seawallv1.DeliverRequest {
	zeros, err := zstd.NewWriter(nil)
	if err != nil {
		return nil
	}
	bomb := zeros.EncodeAll(make([]byte, 64<<20), nil)
	backwards := batchOf("posture", 7, 100, 2)
	twice := &seawallv1.Entries{Entries: []*seawallv1.Entry{{Sequence: 9}, {Sequence: 3}}}
	raw, err := proto.Marshal(twice)
	if err == nil {
		backwards = batchRaw("posture", 7, raw, uint32(len(raw)), 0)
	}
	gaps := batchOf("posture", 7, 100, 1)
	for n := range uint64(100_000) {
		gaps.GetBatch().Gaps = append(gaps.GetBatch().Gaps, &seawallv1.Gap{From: n * 3, To: 1 << 62})
	}
	return map[string][]*seawallv1.DeliverRequest{
		"no hello":         {batchOf("posture", 7, 1, 1)},
		"noise":            {batchRaw("posture", 7, []byte(strings.Repeat("\xff", 1000)), 1000, 0)},
		"a bomb":           {batchRaw("posture", 7, bomb, 64<<20, seawallv1.Compression_COMPRESSION_ZSTD)},
		"a false size":     {batchRaw("posture", 7, bomb, 100, seawallv1.Compression_COMPRESSION_ZSTD)},
		"3 MB":             {batchRaw("posture", 7, make([]byte, 3<<20), 3<<20, 0)},
		"a hostile lane":   {batchOf("../../etc", 7, 1, 1)},
		"sequence 0":       {batchOf("posture", 7, 0, 1)},
		"backwards":        {backwards},
		"100,000 gaps":     {gaps},
		"no such message":  {{}},
		"a second hello":   {{Message: &seawallv1.DeliverRequest_Hello{Hello: &seawallv1.Hello{Protocol: 2}}}},
		"unknown compress": {batchRaw("posture", 7, []byte("x"), 1, 77)},
	}
}

func hostileHost(t *testing.T) string {
	s := startSystem(t, ground{direct: true})
	l := newLedger()
	s.write(t, l, 0, 50)
	s.arrived(t)
	address := s.uplink.Argv[indexOf(s.uplink.Argv, "--collector")+1]
	evil := s.another(t, address, "evil")
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
	defer cancel()
	session, ended := uint64(0), 0
	var slowest time.Duration
	life := 1
	for name, messages := range attacks() {
		stream, err := client(t, address, evil.TLS()).Deliver(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if name != "no hello" {
			session = greet(t, stream, session)
		}
		for _, m := range messages {
			if stream.Send(m) != nil {
				break
			}
		}
		start := time.Now()
		s.write(t, l, life, 20)
		s.drained(t, 20*time.Second)
		slowest, life = max(slowest, time.Since(start)), life+1
		for {
			var answer *seawallv1.DeliverResponse
			if answer, err = stream.Recv(); err != nil {
				break
			}
			if ack := answer.GetAck(); ack != nil {
				t.Errorf("%s was acknowledged: %v", name, ack)
				break
			}
		}
		if err != nil {
			ended++
			if c := status.Code(err).String(); c == "Unknown" || c == "Internal" && strings.Contains(err.Error(), "panic") {
				t.Errorf("%s: %v", name, err)
			}
		}
		stream.CloseSend()
	}
	s.collector.Alive(t)
	memory := residentBytes(t, s.collector)
	if memory > 300<<20 {
		t.Errorf("the collector has %d MiB", memory>>20)
	}
	s.arrived(t)
	return fmt.Sprintf("%d of %d attacks ended the stream; the other host's findings in %v at most; collector %d MiB", ended, life-1, slowest.Round(time.Millisecond), memory>>20)
}

// greet opens a stream as a good host does, and returns the session's number.
func greet(t *testing.T, stream seawallv1.IngestService_DeliverClient, last uint64) uint64 {
	t.Helper()
	hello := &seawallv1.Hello{Protocol: 2, Session: last}
	if err := stream.Send(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Hello{Hello: hello}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatalf("the answer to hello: %v", err)
	}
	confirm := &seawallv1.Confirm{Session: answer.GetWelcome().GetSession()}
	if err := stream.Send(&seawallv1.DeliverRequest{Message: &seawallv1.DeliverRequest_Confirm{Confirm: confirm}}); err != nil {
		t.Fatal(err)
	}
	return confirm.Session
}
