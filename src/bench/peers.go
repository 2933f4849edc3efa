package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peer is something else that does the work, or part of it.
type peer struct {
	name    string
	install func(b *bench) (version string, err error)
	make    func(b *bench) *subject
}

var peers = []peer{
	{"nginx-stream", debian("nginx", "nginx-light", "libnginx-mod-stream"), nginxStream},
	{"nginx-http", debian("nginx", "nginx-light", "libnginx-mod-stream"), nginxHTTP},
	{"haproxy-tcp", debian("haproxy", "haproxy"), haproxy("tcp")},
	{"haproxy-http", debian("haproxy", "haproxy"), haproxy("http")},
	{"frp", installFrp, frp(true, false)},
	{"frp-no-mux", installFrp, frp(false, false)},
	{"frp-tls", installFrp, frp(false, true)},
	{"rathole", crate("rathole", "0.5.0", "--no-default-features", "--features", "server,client,tls"), rathole},
	{"chisel", goModule("github.com/jpillora/chisel", "v1.10.1", "", "."), chisel},
	{"bore", crate("bore-cli", "0.6.0", "--locked"), bore},
}

var installFrp = either(
	goModule("github.com/fatedier/frp", "v0.65.0",
		"replace github.com/hashicorp/yamux => github.com/fatedier/yamux v0.0.0-20250825093530-d0154be01cd6",
		"cmd/frps", "cmd/frpc"),
	// Its fork of yamux is not known to every checksum database.
	goModule("github.com/fatedier/frp", "v0.65.0", "", "cmd/frps", "cmd/frpc"),
	", with yamux instead of its fork")

// leftOut says what one would expect here and does not find.
var leftOut = map[string]string{
	"piko":               "the Go module proxy that this was made with does not hand out its source (v0.8.1)",
	"cloudflared, ngrok": "their brokers are services, not programs",
	"localtunnel":        "its server is not in a registry, and unmaintained",
	"ssh -R":             "Debian's package would start a server for all the world",
	"wstunnel":           "not in the registry of crates",
}

// --- Installing. What is there already is used; versions are pinned where a registry lets us.

func debian(program string, packages ...string) func(*bench) (string, error) {
	return func(b *bench) (string, error) {
		present := func() bool {
			for _, p := range packages {
				if exec.Command("dpkg", "-s", p).Run() != nil {
					return false
				}
			}
			return true
		}
		if !present() {
			progress("installing %s\n", strings.Join(packages, " "))
			as := []string{}
			if os.Geteuid() != 0 {
				as = []string{"sudo"}
			}
			// "|| true": an index that is out of date may still be good enough. What Debian starts by itself, for
			// all the world, is stopped.
			script := "apt-get update -qq || true; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq " +
				strings.Join(packages, " ") + " && if [ -d /run/systemd/system ]; then systemctl disable --now " + program + "; fi"
			command := append(as, "sh", "-c", script)
			if output, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
				return "", fmt.Errorf("apt-get: %w: %s", err, lastLine(output))
			}
		}
		flag := "-v"
		output, err := exec.Command(program, flag).CombinedOutput()
		if err != nil {
			return "", err
		}
		line := strings.SplitN(string(output), "\n", 2)[0]
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '/' }) {
			if word[0] >= '0' && word[0] <= '9' {
				return word, nil
			}
		}
		return line, nil
	}
}

// either installs the first, or else the second, which is told apart by its version.
func either(first, second func(*bench) (string, error), remark string) func(*bench) (string, error) {
	return func(b *bench) (string, error) {
		version, err := first(b)
		if err != nil {
			progress("%v\n", err)
			version, err = second(b)
			version += remark
		}
		return version, err
	}
}

// goModule builds commands of a module at a version. It does so from a module of its own rather than by
// "go install", which wants the list of all versions, and knows no replacements.
func goModule(module, version, more string, commands ...string) func(*bench) (string, error) {
	return func(b *bench) (string, error) {
		stamp := filepath.Join(b.cache, fileName(filepath.Base(module)+"-"+version+more))
		if _, err := os.Stat(stamp); err == nil {
			return version, nil
		}
		progress("building %s %s\n", module, version)
		directory, err := os.MkdirTemp(b.scratch, "build")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(directory)
		text := fmt.Sprintf("module peers\n\ngo 1.21\n\nrequire %s %s\n\n%s\n", module, version, more)
		if err := os.WriteFile(filepath.Join(directory, "go.mod"), []byte(text), 0o644); err != nil {
			return "", err
		}
		// Without its pages, frp's module is not whole; its tag says so.
		arguments := []string{"15m", "nice", "go", "build", "-mod=mod", "-tags", "noweb", "-o", b.bin() + "/"}
		for _, command := range commands {
			arguments = append(arguments, strings.TrimSuffix(module+"/"+command, "/."))
		}
		build := exec.Command("timeout", arguments...)
		build.Dir = directory
		if output, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w: %s", err, lastLine(output))
		}
		return version, os.WriteFile(stamp, nil, 0o644)
	}
}

// crate builds a program of Rust's registry. Rathole goes without --locked: one of the crates that it
// was locked to is refused by newer compilers.
func crate(name, version string, flags ...string) func(*bench) (string, error) {
	return func(b *bench) (string, error) {
		if _, err := exec.LookPath("cargo"); err != nil {
			return "", err
		}
		arguments := append([]string{"20m", "nice", "cargo", "install", name, "--version", version,
			"--quiet", "--root", b.cache}, flags...)
		if _, err := os.Stat(filepath.Join(b.cache, name+"-"+version)); err == nil {
			return version, nil
		}
		progress("building %s %s; this takes minutes\n", name, version)
		if output, err := exec.Command("timeout", arguments...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("cargo install: %w: %s", err, lastLine(output))
		}
		return version, os.WriteFile(filepath.Join(b.cache, name+"-"+version), nil, 0o644)
	}
}

func lastLine(output []byte) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return lines[len(lines)-1]
}

// --- Running. The same certificate, cipher and descriptors for all, buffers of 64 KiB where that is a setting,
// connections to servers kept where it is one; their own defaults otherwise, but for limits that the workloads
// would hit, and logs of accesses, which none writes.

func nginx(s *subject, block string) error {
	text := `daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr error;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events { worker_connections 20000; }
` + block
	if err := s.file("nginx.conf", text); err != nil {
		return err
	}
	return s.broker("nginx", "nginx", "-p", s.directory, "-c", filepath.Join(s.directory, "nginx.conf"))
}

func nginxStream(b *bench) *subject {
	return &subject{
		Name: "nginx stream", Client: "TLS", Hidden: "TLS",
		About: "no tunnels: connects to a server; that handshake is resumed",
		launch: func(s *subject, _ options) error {
			s.listening(true, true)
			servers := ""
			for _, l := range s.lanes {
				servers += fmt.Sprintf("  server { listen %s ssl; proxy_pass %s; }\n", l.Front, l.Back)
			}
			return nginx(s, fmt.Sprintf(`stream {
  ssl_certificate %s;
  ssl_certificate_key %s;
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  proxy_ssl on;
  proxy_ssl_protocols TLSv1.3;
  proxy_ssl_session_reuse on;
  proxy_buffer_size 64k;
  proxy_timeout 1h;
  tcp_nodelay on;
%s}
`, b.keys.certificate, b.keys.key, servers))
		},
	}
}

func nginxHTTP(b *bench) *subject {
	return &subject{
		Name: "nginx http", Client: "TLS", Hidden: "TLS", http: true,
		About: "no tunnels: a reverse proxy that keeps connections to a server",
		launch: func(s *subject, _ options) error {
			s.listening(true, true)
			servers := ""
			for i, l := range s.lanes {
				servers += fmt.Sprintf(`  upstream hidden%d {
    server %s;
    keepalive 300;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
  server {
    listen %s ssl;
    location / { proxy_pass https://hidden%[1]d; }
  }
`, i, l.Back, l.Front)
			}
			return nginx(s, fmt.Sprintf(`http {
  access_log off;
  ssl_certificate %s;
  ssl_certificate_key %s;
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  ssl_buffer_size 16k;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_header_timeout 1h;
  client_max_body_size 0;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  proxy_http_version 1.1;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header Upgrade $http_upgrade;
  proxy_ssl_protocols TLSv1.3;
  proxy_ssl_session_reuse on;
  proxy_request_buffering off;
  proxy_buffer_size 64k;
  proxy_buffers 8 64k;
  proxy_busy_buffers_size 128k;
  proxy_max_temp_file_size 0;
  proxy_read_timeout 1h;
  proxy_send_timeout 1h;
  send_timeout 1h;
%s}
`, b.keys.certificate, b.keys.key, servers))
		},
	}
}

func haproxy(mode string) func(*bench) *subject {
	return func(b *bench) *subject {
		return &subject{
			Name: "HAProxy " + mode, Client: "TLS", Hidden: "TLS", http: mode == "http",
			About: "no tunnels: connects to a server",
			launch: func(s *subject, _ options) error {
				s.listening(true, true)
				text := fmt.Sprintf(`global
  nbthread 1
  maxconn 20000
  no strict-limits
  tune.bufsize 65536
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode %s
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout http-request 1h
  timeout http-keep-alive 1h
`, mode)
				if mode == "http" {
					text += "  http-reuse always\n"
				}
				for i, l := range s.lanes {
					text += fmt.Sprintf(`listen lane%d
  bind %s ssl crt %s
  server hidden %s ssl verify none
`, i, l.Front, b.keys.both, l.Back)
				}
				if err := s.file("haproxy.cfg", text); err != nil {
					return err
				}
				return s.broker("haproxy", "haproxy", "-db", "-f", "haproxy.cfg")
			},
		}
	}
}

func frp(mux, clientTLS bool) func(*bench) *subject {
	return func(b *bench) *subject { return frpWith(b, mux, clientTLS) }
}

func frpWith(b *bench, mux, clientTLS bool) *subject {
	name, client, about := "frp", "TCP", "clients on bare TCP; tunnels are streams in one TLS connection of its agent"
	switch {
	case clientTLS:
		name, client, about = "frp, TLS", "TLS", "as without mux; its agent ends the clients' TLS (tls2raw), so its tunnels are encrypted twice"
	case !mux:
		name, about = "frp, no mux", "clients on bare TCP; a TLS connection for each, from its agent's pool"
	}
	return &subject{
		Name: name, Client: client, Hidden: "TLS", agent: true,
		About: about,
		launch: func(s *subject, _ options) error {
			s.listening(clientTLS, false)
			port := freePort()
			server := fmt.Sprintf(`bindAddr = "127.0.0.1"
bindPort = %d
proxyBindAddr = "127.0.0.1"
transport.tls.force = true
transport.tls.certFile = "%s"
transport.tls.keyFile = "%s"
transport.tcpMux = %t
log.level = "warn"
`, port, b.keys.certificate, b.keys.key, mux)
			agent := fmt.Sprintf(`serverAddr = "127.0.0.1"
serverPort = %d
transport.poolCount = 5
transport.tls.enable = true
transport.tcpMux = %t
log.level = "warn"
`, port, mux)
			for i, l := range s.lanes {
				agent += fmt.Sprintf(`[[proxies]]
name = "lane%d"
type = "tcp"
remotePort = %s
`, i, portOf(l.Front))
				if clientTLS {
					agent += fmt.Sprintf(`[proxies.plugin]
type = "tls2raw"
localAddr = "%s"
crtPath = "%s"
keyPath = "%s"
`, l.Back, b.keys.certificate, b.keys.key)
				} else {
					agent += fmt.Sprintf("localIP = \"127.0.0.1\"\nlocalPort = %s\n", portOf(l.Back))
				}
			}
			if err := s.file("frps.toml", server); err != nil {
				return err
			}
			if err := s.file("frpc.toml", agent); err != nil {
				return err
			}
			if err := s.broker("frps", b.program("frps"), "-c", "frps.toml"); err != nil {
				return err
			}
			awaitPort(port)
			return s.agentProcess("frpc", b.program("frpc"), "-c", "frpc.toml")
		},
	}
}

func rathole(b *bench) *subject {
	return &subject{
		Name: "rathole", Client: "TCP", Hidden: "TLS", agent: true,
		About: "clients on bare TCP; a TLS connection for each, from its agent's pool",
		launch: func(s *subject, _ options) error {
			s.listening(false, false)
			identity := filepath.Join(s.directory, "identity.pfx")
			if output, err := exec.Command("openssl", "pkcs12", "-export", "-passout", "pass:bench",
				"-in", b.keys.certificate, "-inkey", b.keys.key, "-out", identity).CombinedOutput(); err != nil {
				return fmt.Errorf("openssl: %w: %s", err, lastLine(output))
			}
			control := local(freePort())
			server := fmt.Sprintf(`[server]
bind_addr = "%s"
default_token = "bench"
[server.transport]
type = "tls"
[server.transport.tls]
pkcs12 = "%s"
pkcs12_password = "bench"
`, control, identity)
			agent := fmt.Sprintf(`[client]
remote_addr = "%s"
default_token = "bench"
[client.transport]
type = "tls"
[client.transport.tls]
trusted_root = "%s"
hostname = "localhost"
`, control, b.keys.certificate)
			for i, l := range s.lanes {
				server += fmt.Sprintf("[server.services.lane%d]\nbind_addr = \"%s\"\n", i, l.Front)
				agent += fmt.Sprintf("[client.services.lane%d]\nlocal_addr = \"%s\"\n", i, l.Back)
			}
			if err := s.file("server.toml", server); err != nil {
				return err
			}
			if err := s.file("client.toml", agent); err != nil {
				return err
			}
			if err := s.broker("server", b.program("rathole"), "--server", "server.toml"); err != nil {
				return err
			}
			return s.agentProcess("client", b.program("rathole"), "--client", "client.toml")
		},
	}
}

func chisel(b *bench) *subject {
	return &subject{
		Name: "chisel", Client: "TCP", Hidden: "TLS", agent: true,
		About: "clients on bare TCP; tunnels are SSH channels in one TLS connection of its agent, so encrypted twice",
		launch: func(s *subject, _ options) error {
			s.listening(false, false)
			port := freePort()
			if err := s.broker("server", b.program("chisel"), "server", "--host", "127.0.0.1", "--port",
				fmt.Sprint(port), "--reverse", "--tls-cert", b.keys.certificate, "--tls-key", b.keys.key); err != nil {
				return err
			}
			awaitPort(port)
			command := []string{b.program("chisel"), "client", "--tls-ca", b.keys.certificate,
				fmt.Sprintf("https://localhost:%d", port)}
			for _, l := range s.lanes {
				command = append(command, "R:"+l.Front+":"+l.Back)
			}
			return s.agentProcess("client", command...)
		},
	}
}

func bore(b *bench) *subject {
	return &subject{
		Name: "bore", Client: "TCP", Hidden: "TCP", agent: true,
		About: "bare TCP throughout: it encrypts nothing",
		launch: func(s *subject, _ options) error {
			s.listening(false, false)
			if err := s.broker("server", b.program("bore"), "server", "--bind-addr", "127.0.0.1"); err != nil {
				return err
			}
			awaitPort(7835) // cannot be set
			for i, l := range s.lanes {
				if err := s.agentProcess(fmt.Sprintf("local%d", i), b.program("bore"), "local", "--local-host", "127.0.0.1",
					"--to", "127.0.0.1", "--port", portOf(l.Front), portOf(l.Back)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
