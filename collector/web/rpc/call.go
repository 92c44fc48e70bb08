package rpc

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "seawall/proto/seawall/fleet/v1"
)

// service is the generated interface's.
type service struct {
	fleetv1.UnimplementedFleetServiceServer
	server *Server
}

func (s service) ListHosts(ctx context.Context, in *fleetv1.ListHostsRequest) (*fleetv1.ListHostsResponse, error) {
	return fetch(ctx, s.server, "hosts", in, &fleetv1.ListHostsResponse{})
}

func (s service) GetHost(ctx context.Context, in *fleetv1.GetHostRequest) (*fleetv1.GetHostResponse, error) {
	return fetch(ctx, s.server, "hosts/{id}", in, &fleetv1.GetHostResponse{})
}

func (s service) ListChecks(ctx context.Context, in *fleetv1.ListChecksRequest) (*fleetv1.ListChecksResponse, error) {
	return fetch(ctx, s.server, "checks", in, &fleetv1.ListChecksResponse{})
}

func (s service) ListResults(ctx context.Context, in *fleetv1.ListResultsRequest) (*fleetv1.ListResultsResponse, error) {
	return fetch(ctx, s.server, "checks/{id}/results", in, &fleetv1.ListResultsResponse{})
}

func (s service) ListChanges(ctx context.Context, in *fleetv1.ListChangesRequest) (*fleetv1.ListChangesResponse, error) {
	return fetch(ctx, s.server, "changes", in, &fleetv1.ListChangesResponse{})
}

func (s service) ListDetections(ctx context.Context, in *fleetv1.ListDetectionsRequest) (*fleetv1.ListDetectionsResponse, error) {
	return fetch(ctx, s.server, "detections", in, &fleetv1.ListDetectionsResponse{})
}

func (s service) StreamFindings(in *fleetv1.StreamFindingsRequest, out grpc.ServerStreamingServer[fleetv1.StreamFindingsResponse]) error {
	return s.server.ask(out.Context(), "export", in, &lines{send: func(all [][]byte) error {
		part := &fleetv1.StreamFindingsResponse{Findings: make([]*fleetv1.Finding, len(all))}
		for i, line := range all {
			part.Findings[i] = &fleetv1.Finding{}
			if err := read(line, part.Findings[i]); err != nil {
				return err
			}
		}
		return out.Send(part)
	}})
}

// fetch asks the API, and reads what it says into out.
func fetch[T proto.Message](ctx context.Context, s *Server, path string, in proto.Message, out T) (T, error) {
	var text bytes.Buffer
	if err := s.ask(ctx, path, in, &text); err != nil {
		return out, err
	}
	if err := read(text.Bytes(), out); err != nil {
		s.config.Frame.Log().Error("an answer is no message", "path", path, "err", err)
		return out, status.Error(codes.Internal, "The answer could not be made; the collector's log says why.")
	}
	return out, nil
}

// read reads JSON of the API. What the message has no field for is left out.
func read(text []byte, out proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, out); err != nil {
		return fmt.Errorf("read the API's JSON: %w", err)
	}
	return nil
}

// ask has the API answer a path below /api/v1 with a request's fields as parameters. A
// good answer goes to out while it is made; any other is an error with a status.
func (s *Server) ask(ctx context.Context, path string, in proto.Message, out io.Writer) (err error) {
	call, ok := ctx.Value(requestKey{}).(*http.Request)
	if !ok {
		return status.Error(codes.Internal, "no request")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address(path, in.ProtoReflect()), http.NoBody)
	if err != nil {
		return status.Error(codes.InvalidArgument, "a field cannot stand in an address")
	}
	r.Host, r.RemoteAddr = call.Host, call.RemoteAddr
	r.Header.Set("Authorization", call.Header.Get("Authorization"))
	w := &catcher{header: http.Header{}, good: out}
	defer func() {
		if p := recover(); p != nil { // as net/http does for a handler of its own
			err = s.cut(ctx, path, p)
		}
	}()
	s.config.API.ServeHTTP(w, r)
	if w.code == http.StatusOK {
		return nil
	}
	var problem struct{ Detail string }
	if json.Unmarshal(w.bad.Bytes(), &problem) != nil {
		problem.Detail = http.StatusText(w.code)
	}
	return status.Error(code(w.code), problem.Detail)
}

// cut is the error of an answer that was given up with a panic.
func (s *Server) cut(ctx context.Context, path string, p any) error {
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
		s.config.Frame.Log().Error("a call of gRPC broke", "path", path, "panic", fmt.Sprint(p))
		return status.Error(codes.Internal, "The answer could not be made; the collector's log says why.")
	}
	return status.Error(codes.Aborted, "The answer was cut off: it is not whole.")
}

// address is the path with the request's fields that are set: in it, or as parameters.
func address(path string, in protoreflect.Message) string {
	query := url.Values{}
	in.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name, value := string(f.Name()), word(f, v)
		if in := "{" + name + "}"; strings.Contains(path, in) {
			path = strings.ReplaceAll(path, in, url.PathEscape(value))
		} else {
			query.Set(name, value)
		}
		return true
	})
	return "/api/v1/" + path + "?" + query.Encode()
}

// word is a field as a parameter.
func word(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return strconv.FormatBool(v.Bool())
	case protoreflect.Uint32Kind:
		return strconv.FormatUint(v.Uint(), 10)
	case protoreflect.Int64Kind:
		return strconv.FormatInt(v.Int(), 10)
	case protoreflect.MessageKind:
		t, ok := v.Message().Interface().(*timestamppb.Timestamp)
		if !ok || t.CheckValid() != nil {
			return "no time"
		}
		return t.AsTime().Format(time.RFC3339)
	}
	return v.String()
}

// code is the status of gRPC for one of HTTP.
func code(http int) codes.Code {
	return cmp.Or(map[int]codes.Code{
		301: codes.NotFound, 307: codes.NotFound, 308: codes.NotFound, // a name such as ".."
		400: codes.InvalidArgument, 401: codes.Unauthenticated, 403: codes.PermissionDenied, 404: codes.NotFound, 413: codes.ResourceExhausted,
		414: codes.InvalidArgument, 429: codes.ResourceExhausted, 503: codes.Unavailable, 504: codes.DeadlineExceeded,
	}[http], codes.Internal)
}

// catcher is an [http.ResponseWriter] that passes on what is good and keeps what is not.
type catcher struct {
	header http.Header
	code   int
	good   io.Writer
	bad    bytes.Buffer
}

func (c *catcher) Header() http.Header { return c.header }

func (c *catcher) WriteHeader(code int) { c.code = cmp.Or(c.code, code) }

func (c *catcher) Write(p []byte) (int, error) {
	c.WriteHeader(http.StatusOK)
	if c.code != http.StatusOK {
		return c.bad.Write(p)
	}
	n, err := c.good.Write(p)
	if err != nil {
		return n, fmt.Errorf("pass on an answer: %w", err)
	}
	return n, nil
}

// lines passes on whole lines, as many at a time as one Write brings.
type lines struct {
	rest []byte
	send func([][]byte) error
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	end := bytes.LastIndexByte(l.rest, '\n')
	if end < 0 {
		return len(p), nil
	}
	if err := l.send(bytes.Split(l.rest[:end], []byte{'\n'})); err != nil {
		return 0, err
	}
	l.rest = append(l.rest[:0], l.rest[end+1:]...)
	return len(p), nil
}
