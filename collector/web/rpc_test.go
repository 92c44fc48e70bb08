package web_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	fleetv1 "seawall/proto/seawall/fleet/v1"
)

// TestCalls asks the dashboard over gRPC, with TLS and, on loopback, without: who has no
// good token is refused, and so are a session's cookie and calls that are none.
func TestCalls(t *testing.T) {
	other := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer other.Close()
	pool := x509.NewCertPool()
	pool.AddCert(other.Certificate())
	for name, c := range map[string]struct {
		server *tls.Config
		client credentials.TransportCredentials
	}{
		"TLS":      {&tls.Config{Certificates: other.TLS.Certificates, MinVersion: tls.VersionTLS12}, credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})},
		"loopback": {nil, insecure.NewCredentials()},
	} {
		t.Run(name, func(t *testing.T) {
			d := demoFleet(demoNow)
			own := withRoles(config(d))
			own.TLS = c.server
			base := serve(t, newServer(t, own))
			conn, err := grpc.NewClient(strings.TrimPrefix(base, "http://"), grpc.WithTransportCredentials(c.client))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			calls(t, d, conn)
		})
	}
	b := open(t, newServer(t, withRoles(config(demoFleet(demoNow)))))
	if a := b.send(http.MethodPost, "/seawall.fleet.v1.FleetService/ListHosts", nil, "Authorization", "Bearer swc_viewer"); a.code != http.StatusUnsupportedMediaType {
		t.Errorf("no call: %d %s", a.code, a.body)
	}
}

func calls(t *testing.T, d *demo, conn *grpc.ClientConn) {
	t.Helper()
	client := fleetv1.NewFleetServiceClient(conn)
	as := func(token string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	}
	list, err := client.ListHosts(as("swc_viewer"), &fleetv1.ListHostsRequest{})
	if err != nil || len(list.GetHosts()) != len(d.hosts) {
		t.Errorf("hosts: %d, %v", len(list.GetHosts()), err)
	}
	if list, err = client.ListHosts(as("swc_scoped"), &fleetv1.ListHostsRequest{}); err != nil || len(list.GetHosts()) != 0 {
		t.Errorf("hosts of a scope: %d, %v", len(list.GetHosts()), err)
	}
	for name, ctx := range map[string]context.Context{"none": t.Context(), "wrong": as("swc_nobody")} {
		if _, err := client.ListHosts(ctx, &fleetv1.ListHostsRequest{}); status.Code(err) != codes.Unauthenticated || !strings.Contains(err.Error(), "Send an API token") {
			t.Errorf("%s: %v", name, err)
		}
	}
	evil := metadata.AppendToOutgoingContext(as("swc_viewer"), "origin", "https://evil.example")
	if _, err := client.ListHosts(evil, &fleetv1.ListHostsRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("from another site: %v", err)
	}
	if err := conn.Invoke(as("swc_admin"), "/seawall.v1.AdminService/ListHosts", &fleetv1.ListHostsRequest{}, &fleetv1.ListHostsResponse{}); err == nil {
		t.Error("another service answers")
	}
	names, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(as("swc_viewer"))
	if err != nil {
		t.Fatal(err)
	}
	if err := names.Send(&grpc_reflection_v1.ServerReflectionRequest{MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	if a, err := names.Recv(); err != nil || !strings.Contains(a.String(), "seawall.fleet.v1.FleetService") || strings.Contains(a.String(), "AdminService") {
		t.Errorf("services: %v %v", a, err)
	}
}
