package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"seawall/collector/config"
	"seawall/collector/contact"
)

// printStatus prints connection.json and asks the dashboard whether it is ready.
func printStatus(ctx context.Context, c config.Config, stdout io.Writer) error {
	at, err := contact.Read(c.StateDir)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "hosts      %s\npin        %s\ndashboard  %s\nversion    %s\n", at.Ingest, at.Pin, at.Dashboard, at.Version)
	if err := at.Ready(ctx, c.DashboardCert); err != nil {
		fmt.Fprintf(stdout, "state      not ready\n")
		return fmt.Errorf("the collector is not ready: %w", err)
	}
	fmt.Fprintf(stdout, "state      ready since %s\n", at.Started.Format(time.RFC3339))
	return nil
}
