package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.security.cert.CertificateException;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Failures are told in words. */
class FailureTextTest {
  @Test
  void messageIsTakenAsItIs() {
    assertThat(FailureText.of(new ConnectException("Connection refused")))
        .isEqualTo("Connection refused");
  }

  @Test
  void messageThatIsOnlyANameBecomesASentence() {
    assertThat(FailureText.of(new UnknownHostException("nowhere.example")))
        .isEqualTo("no address is known for nowhere.example");
    assertThat(FailureText.of(new NoSuchFileException("a"))).isEqualTo("no such file: a");
    assertThat(FailureText.of(new AccessDeniedException("a"))).isEqualTo("permission denied: a");
    assertThat(FailureText.of(new FileSystemException("a", null, "No space left on device")))
        .isEqualTo("a: No space left on device");
    assertThat(FailureText.of(new FileSystemException("a"))).isEqualTo("a: it cannot be used");
  }

  @Test
  void failureWithoutAMessageIsDescribed() {
    assertThat(FailureText.of(new ClosedChannelException())).isEqualTo("the connection was closed");
    assertThat(FailureText.of(new EOFException())).isEqualTo("the connection was closed");
    assertThat(FailureText.of(new TimeoutException())).isEqualTo("no answer in time");
    assertThat(FailureText.of(new IOException(" ", new EOFException())))
        .isEqualTo("the connection was closed");
    assertThat(FailureText.of(new IllegalStateException()))
        .isEqualTo("an error of this program (illegal state exception)");
  }

  @Test
  void causeSpeaksForAWrapper() {
    IOException denied = new AccessDeniedException("a");
    for (Exception wrapper :
        List.of(
            new ExecutionException(denied),
            new ExecutionException("x", denied),
            new UncheckedIOException(denied),
            new IOException(denied))) {
      assertThat(FailureText.of(wrapper)).isEqualTo("permission denied: a");
    }
    assertThat(FailureText.of(new IOException("more is known", denied))).isEqualTo("more is known");
  }

  @Test
  void namesOfClassesAreLeftOut() {
    assertThat(
            FailureText.of(
                new CertificateException(
                    "PKIX path building failed: sun.security.provider.certpath."
                        + "SunCertPathBuilderException: unable to find valid certification path")))
        .isEqualTo("PKIX path building failed: unable to find valid certification path");
    assertThat(FailureText.of(new IOException("java.io.EOFException")))
        .isEqualTo("no reason is known");
  }
}
