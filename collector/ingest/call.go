package ingest

import (
	"context"
	"crypto/tls"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	seawallv1 "seawall/proto/seawall/v1"
)

// cancelKey is the key of what ends a stream's context from within, and so whatever
// the stream waits for.
type cancelKey struct{}

// tapped sees a call before anything is made for it. Whatever is no stream gets a
// deadline, that covers its message, too.
func tapped(ctx context.Context, info *tap.Info) (context.Context, error) {
	if info.FullMethodName == seawallv1.IngestService_Deliver_FullMethodName {
		inner, cancel := context.WithCancel(ctx)
		return context.WithValue(inner, cancelKey{}, cancel), nil
	}
	inner, cancel := context.WithTimeout(ctx, unaryTimeout)
	context.AfterFunc(ctx, cancel)
	return inner, nil
}

// recoverStream ends a stream whose handler panics, and only that.
func (s *Server) recoverStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(p)
		}
	}()
	return next(srv, ss)
}

// recoverUnary does the same for every other call.
func (s *Server) recoverUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, s.panicked(p)
		}
	}()
	return next(ctx, req)
}

func (s *Server) panicked(p any) error {
	s.cfg.Metrics.Panics.Inc()
	s.cfg.Log.Error("call ended by a panic", "panic", p, "stack", string(debug.Stack()))
	return status.Error(codes.Internal, "the collector has an error")
}

// connectionState is what the connection proved.
func connectionState(ctx context.Context) (tls.ConnectionState, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return tls.ConnectionState{}, status.Error(codes.Unauthenticated, "no peer")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return tls.ConnectionState{}, status.Error(codes.Unauthenticated, "no TLS")
	}
	return info.State, nil
}
