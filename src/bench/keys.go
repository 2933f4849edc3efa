package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// keys is the one certificate of all subjects and hidden servers: P-256, signed by itself.
type keys struct {
	certificate, key, both string // files
	pem                    []byte
	pair                   tls.Certificate
}

func makeKeys(directory string) (*keys, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "localhost"},
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	k := &keys{
		certificate: filepath.Join(directory, "bench.crt"),
		key:         filepath.Join(directory, "bench.key"),
		both:        filepath.Join(directory, "bench.pem"),
		pem:         pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	for file, text := range map[string][]byte{
		k.certificate: k.pem, k.key: secret, k.both: append(append([]byte{}, k.pem...), secret...),
	} {
		if err := os.WriteFile(file, text, 0o644); err != nil { // nginx' worker is another user
			return nil, err
		}
	}
	k.pair, err = tls.X509KeyPair(k.pem, secret)
	return k, err
}

// clientTLS is how clients and hidden servers connect: the same group and records for all, and no
// look at the certificate, which would only slow the generator down.
func clientTLS(resume bool) *tls.Config {
	config := &tls.Config{
		ServerName:                  "localhost",
		InsecureSkipVerify:          true,
		MinVersion:                  tls.VersionTLS13,
		CurvePreferences:            []tls.CurveID{tls.X25519},
		DynamicRecordSizingDisabled: true,
	}
	if resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	}
	return config
}

func (k *keys) serverTLS() *tls.Config {
	return &tls.Config{
		Certificates:                []tls.Certificate{k.pair},
		MinVersion:                  tls.VersionTLS13,
		CurvePreferences:            []tls.CurveID{tls.X25519},
		DynamicRecordSizingDisabled: true,
	}
}

// entry is a hidden server, as our broker knows it.
type entry struct {
	UUID   string
	Secret string // base32
}

func newEntry() entry {
	var id [16]byte
	var secret [20]byte
	rand.Read(id[:])
	rand.Read(secret[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return entry{
		UUID:   fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		Secret: base32.StdEncoding.EncodeToString(secret[:]),
	}
}

// store puts it where a broker with a file store finds it.
func (e entry) store(directory string) error {
	text, err := json.Marshal(map[string]any{
		"uuid": e.UUID, "labels": []string{}, "created": time.Now().UTC().Format(time.RFC3339),
		"authParams": map[string]any{
			"protocol": "totp", "algorithm": "sha1", "base32": e.Secret, "step": 30, "digits": 8},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, e.UUID+".json"), text, 0o600)
}

// provisioning is the file that an agent is handed.
func (e entry) provisioning(file string, port int, ca []byte) error {
	text, err := json.Marshal(map[string]any{
		"uuid": []string{e.UUID}, "labels": []string{}, "protocol": "totp", "algorithm": "sha1",
		"base32": e.Secret, "step": 30, "digits": 8, "name": e.UUID,
		"server": map[string]any{"hostname": "localhost", "port": port, "ca": string(ca)},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// token is the TOTP of the moment (RFC 6238), of eight digits.
func (e entry) token(now time.Time) string {
	secret, _ := base32.StdEncoding.DecodeString(e.Secret)
	mac := hmac.New(sha1.New, secret)
	binary.Write(mac, binary.BigEndian, now.Unix()/30)
	sum := mac.Sum(nil)
	code := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%08d", code%100_000_000)
}
