package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
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
	// The certificate is the collector's own: its key is compared, not its name.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
			if "sha256:"+hex.EncodeToString(sum[:]) != at.Pin {
				return errors.New("the dashboard's certificate is not the collector's own")
			}
			return nil
		},
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
