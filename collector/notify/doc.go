// Package notify is the process that delivers messages: seawall-collector notify.
//
// The collector has no network and the database; this process has a network, the
// routes with their secrets, and nothing else. It asks the collector's desk for
// messages, a queue for each route, delivers them one after the other, and reports. It
// keeps nothing: what it had in hand when it died is handed out again.
//
// # Routes
//
// Routes are a YAML file that the administrator writes, by default
// /etc/seawall-notify/routes.yaml. Secrets stand in files of their own beside it, which
// nobody else may read. A message can go to no other place than one of these:
//
//	dashboard: https://seawall.example.net    # where links in messages begin
//	routes:
//	  - name: mail
//	    email: {server: mail.example.net:587, from: seawall@example.net, to: [ops@example.net],
//	            user: seawall, password_file: mail.password}
//	  - name: chat
//	    slack: {url_file: chat.url}
//	  - name: pager
//	    pagerduty: {key_file: pager.key}
//	  - name: siem
//	    syslog: {to: "tls://siem.example.net:6514", ca_file: siem.pem}
//	  - name: hook
//	    webhook: {url: "https://hooks.example.net/seawall", secret_file: hook.secret}
//	  - name: logs
//	    otlp: {url: "https://otel.example.net/v1/logs", headers_file: logs.headers}
//
// A receiver that fails is asked again later, by the collector's clock; its errors are
// in the collector's log of deliveries and in this process's log.
package notify
