package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seawall/pkg/trust"
)

// printStatus prints connection.json and asks the dashboard whether it is ready.
func printStatus(ctx context.Context, c config, stdout io.Writer) error {
	data, err := os.ReadFile(filepath.Join(c.StateDir, connectionFile))
	if err != nil {
		return fmt.Errorf("no collector has run on %s: %w", c.StateDir, err)
	}
	var at connection
	if err := json.Unmarshal(data, &at); err != nil {
		return fmt.Errorf("read %s: %w", connectionFile, err)
	}
	fmt.Fprintf(stdout, "hosts      %s\npin        %s\ndashboard  %s\nversion    %s\n", at.Ingest, at.Pin, at.Dashboard, at.Version)
	if err := ready(ctx, at); err != nil {
		fmt.Fprintf(stdout, "state      not ready\n")
		return fmt.Errorf("the collector is not ready: %w", err)
	}
	fmt.Fprintf(stdout, "state      ready since %s\n", at.Started.Format(time.RFC3339))
	return nil
}

func ready(ctx context.Context, at connection) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(at.Dashboard, "/")+"/readyz", nil)
	if err != nil {
		return err
	}
	// The certificate is the collector's own: its authority is known, its name is not.
	pin, err := trust.ParsePin(at.Pin)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection:   func(s tls.ConnectionState) error { return pin.VerifyCollector(s.PeerCertificates, time.Now()) },
	}}}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("answer %s", res.Status)
	}
	return nil
}
