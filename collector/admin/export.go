package admin

import (
	"bufio"
	"fmt"
	"net/url"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	seawallv1 "seawall/proto/seawall/v1"
)

// part is how much of a file goes in one message.
const part = 64 << 10

// Export streams what is asked for, and is logged with who asked.
func (s *server) Export(r *seawallv1.ExportRequest, stream grpc.ServerStreamingServer[seawallv1.ExportResponse]) error {
	v := url.Values{}
	for name, value := range r.GetParameters() {
		v.Set(name, value)
	}
	_, what, write, err := s.cfg.Export(v, time.Now(), nil)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if err := s.cfg.Exported(stream.Context(), by(stream.Context()), what); err != nil {
		return fmt.Errorf("record an export: %w", err)
	}
	out := bufio.NewWriterSize(parts{stream}, part)
	if err := write(stream.Context(), out); err != nil {
		return err
	}
	return out.Flush()
}

// parts sends what is written to it.
type parts struct {
	to grpc.ServerStreamingServer[seawallv1.ExportResponse]
}

func (p parts) Write(b []byte) (int, error) {
	if err := p.to.Send(&seawallv1.ExportResponse{Data: b}); err != nil {
		return 0, fmt.Errorf("send a part: %w", err)
	}
	return len(b), nil
}
