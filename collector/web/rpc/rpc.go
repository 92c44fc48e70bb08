package rpc

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	fleetv1 "seawall/proto/seawall/fleet/v1"
)

const (
	maxStreams = 64 // of WatchChanges
	maxEach    = 8  // of one user
	maxRequest = 8 << 10
	// patience is how long a client may take for each part of an answer.
	patience = 30 * time.Second
)

// Config is what a [Server] works with. All fields must be set.
type Config struct {
	Frame *frame.Frame
	// API answers what programs ask below /api/v1, and says who may.
	API http.Handler
	// Visitor returns who sends a request.
	Visitor  func(*http.Request) frame.Visitor
	Timeline func(context.Context, fleet.TimelineQuery) ([]fleet.Event, error)
	// Within returns the hosts of a scope.
	Within func(ctx context.Context, scope []string) (map[fleet.HostID]bool, error)
	// Subscribe wakes who waits for changes: see [fleet.Update].
	Subscribe func(buffer int) (<-chan fleet.Update, func())
}

// Server answers calls.
type Server struct {
	config Config
	grpc   *grpc.Server
	beat   time.Duration // between two signs of life, and two looks at who has a scope's tags
	look   time.Duration // between two looks at the token of a stream that has something to say

	mu      sync.Mutex
	streams map[string]int // of WatchChanges, by user
	open    int
}

// New returns a server.
func New(c Config) *Server {
	s := &Server{config: c, streams: map[string]int{}, beat: beat, look: look,
		grpc: grpc.NewServer(grpc.MaxRecvMsgSize(maxRequest), grpc.WaitForHandlers(true))}
	fleetv1.RegisterFleetServiceServer(s.grpc, service{server: s})
	reflection.RegisterV1(s.grpc)
	return s
}

// Routes returns its paths: the service's, and those with which a client learns what the
// service is.
func (s *Server) Routes() []frame.Route {
	route := func(name string) frame.Route {
		return frame.Route{Pattern: "POST /" + name + "/{method}", Role: frame.Viewer, Scoped: true, Serve: s.serve}
	}
	return []frame.Route{route(fleetv1.FleetService_ServiceDesc.ServiceName), route("grpc.reflection.v1.ServerReflection")}
}

// Run waits for the end of ctx, and ends calls under way.
func (s *Server) Run(ctx context.Context) error {
	<-ctx.Done()
	s.grpc.Stop()
	return nil
}

// requestKey is the key of a call's request in its context.
type requestKey struct{}

// serve answers one call.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case !Asked(r):
		http.Error(w, "this takes gRPC: HTTP/2, application/grpc", http.StatusUnsupportedMediaType)
	case !frame.Of(r).Program:
		Refuse(w, codes.PermissionDenied, "gRPC takes an API token: a session's cookie is not enough.")
	default:
		s.grpc.ServeHTTP(patient{w}, r.WithContext(context.WithValue(r.Context(), requestKey{}, r)))
	}
}

// Asked reports whether r is a call of gRPC.
func Asked(r *http.Request) bool {
	kind := r.Header.Get("Content-Type")
	return r.ProtoMajor == 2 && r.Method == http.MethodPost && (kind == "application/grpc" || strings.HasPrefix(kind, "application/grpc+"))
}

// Refuse answers a call that no service sees with a status.
func Refuse(w http.ResponseWriter, code codes.Code, message string) {
	h := w.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(int(code)))
	h.Set("Grpc-Message", message) // ours: plain ASCII without percent signs
	w.WriteHeader(http.StatusOK)
}

// patient gives the client time for each part of an answer, however many there are.
type patient struct {
	http.ResponseWriter
}

// Unwrap is for [http.ResponseController].
func (p patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (p patient) Write(b []byte) (int, error) {
	if err := http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, fmt.Errorf("give the client time: %w", err)
	}
	return p.ResponseWriter.Write(b)
}

// Flush sends what was written. Errors show at the next write.
func (p patient) Flush() {
	_ = http.NewResponseController(p.ResponseWriter).Flush()
}
