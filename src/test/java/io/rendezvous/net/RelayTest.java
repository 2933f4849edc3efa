package io.rendezvous.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.rendezvous.testing.Links;
import io.rendezvous.testing.NothingUncaught;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What decides how a relay ends: which thread, and what an error of this program does. */
class RelayTest {
  private static final byte[] OK = "+OK".getBytes(StandardCharsets.US_ASCII);

  private Links links;
  private Conn near;
  private Conn far;
  private Socket client;
  private Socket hidden;

  @BeforeEach
  void start() throws Exception {
    links = new Links();
    Links.Link toNear = links.open();
    near = toNear.conn();
    client = toNear.peer();
    Links.Link toFar;
    do { // on another thread
      toFar = links.open();
    } while (toFar.conn().sharesThread(near));
    far = toFar.conn();
    hidden = toFar.peer();
  }

  @AfterEach
  void stop() throws Exception {
    links.close();
  }

  /** An owner that takes the near connection back. */
  private static class Owner implements Relay.Owner {
    final CompletableFuture<String> end = new CompletableFuture<>();

    @Override
    public boolean takesBack() {
      return true;
    }

    @Override
    public void unanswered(Relay.Sent sent) {
      end.complete("unanswered");
    }

    @Override
    public void over() {
      end.complete("over");
    }
  }

  private Relay started(Relay.Owner owner) throws Exception {
    Relay relay = new Relay(near, far, owner);
    CompletableFuture<Boolean> started = new CompletableFuture<>();
    near.execute(
        () -> {
          relay.start(ByteBuffer.wrap("GET".getBytes(StandardCharsets.US_ASCII)));
          started.complete(true);
        });
    started.get(60, TimeUnit.SECONDS);
    assertThat(hidden.getInputStream().readNBytes(3)).asString().isEqualTo("GET");
    return relay;
  }

  /**
   * The answer is on its way through the far connection's thread when another thread ends the
   * relay: the client gets the answer's first byte, so it may not be given another answer.
   */
  @Test
  void relayIsNotUnansweredOnceTheFarThreadHasBegunWithTheAnswer() throws Exception {
    Owner owner = new Owner();
    Relay relay = started(owner);
    CountDownLatch ended = holdFarThread();
    relay.end();
    assertThat(relay.ended()).as("decided elsewhere, while the far thread is busy").isEmpty();
    assertThat(owner.end).isNotDone();
    ended.countDown();
    assertThat(owner.end.get(60, TimeUnit.SECONDS)).isEqualTo("unanswered");
  }

  /** Keeps the far connection's thread busy until the latch is counted down. */
  private CountDownLatch holdFarThread() throws Exception {
    CountDownLatch released = new CountDownLatch(1);
    CountDownLatch busy = new CountDownLatch(1);
    far.execute(
        () -> {
          busy.countDown();
          try {
            assertThat(released.await(60, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    assertThat(busy.await(60, TimeUnit.SECONDS)).isTrue();
    return released;
  }

  private CompletableFuture<Boolean> join(Relay relay) {
    CompletableFuture<Boolean> started = new CompletableFuture<>();
    near.execute(
        () -> {
          relay.start(ByteBuffer.wrap(OK), ByteBuffer.wrap(new byte[] {'x'}));
          started.complete(true);
        });
    return started;
  }

  /**
   * A relay is ended after it was announced and before it has begun: its owner answers the near end
   * then, so that end may not have been greeted.
   */
  @Test
  void relayThatIsEndedBeforeItsGreetingGreetsNobody() throws Exception {
    Owner owner = new Owner();
    Relay relay = new Relay(near, far, owner);
    CountDownLatch released = holdFarThread();
    relay.end();
    join(relay).get(60, TimeUnit.SECONDS);
    released.countDown();
    assertThat(owner.end.get(60, TimeUnit.SECONDS)).isEqualTo("unanswered");
    near.execute(near::close);
    assertThat(client.getInputStream().readAllBytes()).isEmpty();
    assertThat(ended(hidden)).isTrue();
  }

  @Test
  void bothEndsAreGreetedBeforeAnythingElse() throws Exception {
    Owner owner = new Owner();
    Relay relay = new Relay(near, far, owner);
    hidden.getOutputStream().write('y');
    join(relay).get(60, TimeUnit.SECONDS);
    assertThat(client.getInputStream().readNBytes(4)).asString().isEqualTo("+OKy");
    assertThat(hidden.getInputStream().readNBytes(4)).asString().isEqualTo("+OKx");
    assertThat(relay.bytesUp()).isEqualTo(1);
    assertThat(relay.bytesDown()).isEqualTo(1);
    relay.end();
    assertThat(owner.end.get(60, TimeUnit.SECONDS)).isEqualTo("over");
  }

  @Test
  void relayThatIsEndedAfterTheFirstByteOfTheAnswerIsOver() throws Exception {
    Owner owner = new Owner();
    Relay relay = started(owner);
    hidden.getOutputStream().write('H');
    assertThat(client.getInputStream().read()).isEqualTo('H');
    relay.end();
    assertThat(owner.end.get(60, TimeUnit.SECONDS)).isEqualTo("over");
    assertThat(ended(client)).isTrue();
  }

  @Test
  void errorInTheOwnerEndsTheRelay() throws Exception {
    Owner owner =
        new Owner() {
          @Override
          public void reached() {
            throw new IllegalStateException(NothingUncaught.EXPECTED);
          }
        };
    Relay relay = new Relay(near, far, owner);
    near.execute(() -> relay.start(ByteBuffer.wrap(new byte[] {1})));
    assertThat(owner.end.get(60, TimeUnit.SECONDS)).isEqualTo("unanswered");
    assertThat(relay.isRunning()).isFalse();
    assertThat(far.isOpen()).isFalse();
  }

  @Test
  void callbackThatThrowsEndsItsConnection() throws Exception {
    near.execute(
        () -> {
          near.onReadable(
              () -> {
                throw new IllegalStateException(NothingUncaught.EXPECTED);
              });
          near.resumeReads();
        });
    client.getOutputStream().write('x');
    assertThat(ended(client)).isTrue();
    far.execute(
        () ->
            far.deadline(
                Duration.ofMillis(1),
                () -> {
                  throw new IllegalStateException(NothingUncaught.EXPECTED);
                }));
    assertThat(ended(hidden)).isTrue();
  }

  private static boolean ended(Socket socket) {
    try {
      return socket.getInputStream().read() < 0;
    } catch (IOException reset) {
      return true;
    }
  }
}
