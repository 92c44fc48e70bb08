package enrol

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"seawall/agent/identity"
	"seawall/agent/reach"
	"seawall/pkg/token"
	"seawall/pkg/trust"
	seawallv1 "seawall/proto/seawall/v1"
)

// How long an answer may take and how large it may be.
const (
	dialTimeout = 10 * time.Second
	callTimeout = 30 * time.Second
	maxAnswer   = 64 << 10
)

// pending is the error of an enrolment that waits for a person.
type pending struct{ within time.Duration }

func (*pending) Error() string { return "waiting for approval" }

// byToken enrols with a token, over a connection to the holder of the pinned key.
// The original is that of a copy, or nil: some tokens are for copies alone.
func (e *Enrolment) byToken(ctx context.Context, t token.Token, original *identity.Identity) error {
	config := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true} // the pin is checked instead
	if original != nil {
		config.GetClientCertificate = original.TLS().GetClientCertificate
	}
	config.VerifyConnection = func(s tls.ConnectionState) error {
		err := t.Pin.VerifyCollector(s.PeerCertificates, e.cfg.Now())
		if errors.Is(err, trust.ErrPin) {
			err = fmt.Errorf("%w: the token is another collector's, or somebody stands in between: %s", trust.ErrPin, newToken)
		}
		return err
	}
	return e.enrol(ctx, config, &seawallv1.EnrolRequest{TokenId: t.ID[:], TokenSecret: t.Secret[:]}, tokenID(t))
}

// asCopy enrols with what the original proves to be.
func (e *Enrolment) asCopy(ctx context.Context, original *identity.Identity) error {
	return e.enrol(ctx, original.TLS(), &seawallv1.EnrolRequest{}, "")
}

func (e *Enrolment) enrol(ctx context.Context, config *tls.Config, request *seawallv1.EnrolRequest, token string) error {
	var err error
	if request.SigningRequest, err = e.id.SigningRequest(); err != nil {
		return err
	}
	m := e.id.Machine()
	request.Machine = &seawallv1.Machine{HostName: m.HostName, DropletId: m.DropletID, MachineId: m.MachineID, ProductUuid: m.ProductUUID}
	request.AgentVersion = e.cfg.Version
	return e.call(ctx, config, func(ctx context.Context, c seawallv1.EnrolmentServiceClient) error {
		answer, err := c.Enrol(ctx, request)
		if err != nil {
			return err
		}
		if p := answer.GetPending(); p != nil {
			return &pending{time.Duration(p.GetRetryWithinMs()) * time.Millisecond}
		}
		return e.adopt(token, answer.GetCredentials())
	})
}

// renew asks for a new certificate with the one there is, expired or not.
func (e *Enrolment) renew(ctx context.Context) error {
	return e.call(ctx, e.id.TLS(), func(ctx context.Context, c seawallv1.EnrolmentServiceClient) error {
		answer, err := c.Renew(ctx, &seawallv1.RenewRequest{})
		if err != nil {
			return err
		}
		return e.adopt("", answer.GetCredentials())
	})
}

func (e *Enrolment) adopt(token string, c *seawallv1.Credentials) error {
	if c == nil {
		return errors.New("the collector's answer holds nothing")
	}
	bundle := e.id.Bundle()
	if b := c.GetBundle(); b != nil {
		var err error
		if bundle, err = trust.ParseBundle(b.GetRevision(), b.GetAuthorities()); err != nil {
			return err
		}
	}
	return e.id.AdoptFrom(token, hex.EncodeToString(c.GetHostId()), c.GetChain(), bundle)
}

// call makes one call over a connection of its own. What the collector refused is
// a Problem; why it was not reached, or not believed, is told in package reach's words.
func (e *Enrolment) call(ctx context.Context, config *tls.Config, ask func(context.Context, seawallv1.EnrolmentServiceClient) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	line := reach.Line{Patience: dialTimeout}
	conn, err := grpc.NewClient("passthrough:///"+e.cfg.Collector,
		grpc.WithTransportCredentials(line.TLS(config)),
		grpc.WithContextDialer(line.Dial),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: dialTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithMaxHeaderListSize(8<<10),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithUserAgent("seawall-uplink/"+e.cfg.Version))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	err = ask(ctx, seawallv1.NewEnrolmentServiceClient(conn))
	if err == nil {
		return nil
	}
	if why := line.Explain(err); why != err {
		return why
	}
	if p := refusal(err); p != nil {
		return p
	}
	return fmt.Errorf("collector %s: %w", e.cfg.Collector, err)
}
