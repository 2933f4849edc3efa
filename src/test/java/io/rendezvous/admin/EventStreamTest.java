package io.rendezvous.admin;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.rendezvous.entry.Entry;
import io.rendezvous.entry.EntryStore;
import io.rendezvous.entry.MeteredStore;
import io.rendezvous.testing.AdminClient;
import io.rendezvous.testing.Peer;
import io.rendezvous.testing.TestBroker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tests the events that open pages receive. */
class EventStreamTest {
  private record Event(String name, JsonNode data) {}

  private final ObjectMapper json = new ObjectMapper();
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private TestBroker broker;
  private AdminClient admin;
  private Stream<String> stream;

  @BeforeEach
  void start() throws Exception {
    broker = TestBroker.start("admin.enabled", "true", "admin.token", AdminClient.TOKEN);
    admin = new AdminClient(broker);
    stream = admin.listen();
    Thread reader = new Thread(() -> read(stream), "test-events");
    reader.setDaemon(true);
    reader.start();
    await("status", status -> status.path("entries").asInt() == 1);
  }

  private void read(Stream<String> from) {
    String[] name = new String[1];
    try {
      from.forEach(
          line -> {
            if (line.startsWith("event:")) {
              name[0] = line.substring(6);
            } else if (line.startsWith("data:")) {
              events.add(new Event(name[0], parse(line.substring(5))));
            }
          });
    } catch (UncheckedIOException e) {
      // The test has closed it.
    }
  }

  private JsonNode parse(String data) {
    try {
      return json.readTree(data);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterEach
  void stop() throws Exception {
    stream.close();
    broker.close();
  }

  private JsonNode await(String name, Predicate<JsonNode> which) throws InterruptedException {
    while (true) {
      Event event = events.poll(60, TimeUnit.SECONDS);
      assertThat(event).as("an event " + name).isNotNull();
      if (event.name().equals(name) && which.test(event.data())) {
        return event.data();
      }
    }
  }

  @Test
  void statusIsSentPeriodically() throws Exception {
    await("status", status -> true);
    await("status", status -> true);
  }

  @Test
  void tunnelThatComesAndGoesIsReported() throws Exception {
    Peer tunnel = broker.park();
    JsonNode online = await("entries", entries -> entries.at("/0/parked").asInt() == 1);
    assertThat(online.at("/0/uuid").asText()).isEqualTo(broker.id().toString());
    assertThat(online.at("/0/online").asBoolean()).isTrue();
    tunnel.close();
    JsonNode gone = await("entries", entries -> !entries.at("/0/online").asBoolean());
    assertThat(gone.at("/0/lastEnd/why").asText()).isEqualTo("closed by peer");
  }

  @Test
  void waitingClientIsReportedUntilItLeaves() throws Exception {
    try (Peer tunnel = broker.park();
        Peer first = broker.connect();
        Peer second = broker.connect()) {
      first.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      second.send(broker.get(broker.entry(), "/"));
      await("entries", entries -> entries.at("/0/waiting").asInt() == 1);
      second.reset();
      await("entries", entries -> entries.at("/0/waiting").asInt() == 0);
    }
  }

  @Test
  void hiddenServerWithRequestsIsReported() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      tunnel.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
      client.readResponse();
      JsonNode ids = await("requests", sent -> true);
      assertThat(ids.at("/0").asText()).isEqualTo(broker.id().toString());
    }
  }

  @Test
  void rendezvousIsReportedWhileItIsOngoingAndWhenItEnds() throws Exception {
    try (Peer tunnel = broker.park();
        Peer client = broker.connect()) {
      client.send(broker.get(broker.entry(), "/"));
      tunnel.readHead();
      JsonNode going = await("rendezvous", r -> r.at("/0/state").asText().equals("going on"));
      tunnel.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nHello").end();
      client.readAll();
      client.end();
      JsonNode over = await("rendezvous", r -> r.at("/0/state").asText().equals("whole"));
      assertThat(over.at("/0/number")).isEqualTo(going.at("/0/number"));
      assertThat(over.at("/0/octetsOut").asInt()).isEqualTo(43);
    }
    await("entries", entries -> entries.at("/0/today/octetsOut").asInt() == 43);
  }

  @Test
  void streamEndsWithItsSession() throws Exception {
    String body = "{\"token\":\"" + AdminClient.TOKEN + "\"}";
    String session =
        parse(admin.askBare("POST", "/api/session", body).body()).path("session").asText();
    String bearer = "Authorization: Bearer " + session + "\r\n";
    try (Peer page = Peer.to(admin.port()).plain()) {
      page.send("GET /api/events HTTP/1.1\r\nHost: localhost\r\n" + bearer + "\r\n");
      assertThat(page.readHead()).startsWith("HTTP/1.1 200 ");
      admin.askBare("DELETE", "/api/session", "", "Authorization", "Bearer " + session);
      assertThat(page.readAll()).contains("event:status");
    }
    await("status", status -> true); // the stream of another one goes on
  }

  @Test
  void newEntryOfAnyOriginIsReported() throws Exception {
    admin.ask("POST", "/api/entries", "{}");
    await("refresh", nothing -> true);
    broker
        .store()
        .create(Entry.create(UUID.randomUUID(), List.of(), 8, broker.clock().instant(), List.of()));
    await("refresh", nothing -> true);
    await("status", status -> status.path("entries").asInt() == 3);
  }

  @Test
  void storeIsNeverReadOnAnIoThread() throws Exception {
    Queue<String> threads = new ConcurrentLinkedQueue<>();
    MeteredStore.Listener listener =
        (operation, took, failed) -> threads.add(Thread.currentThread().getName());
    EntryStore metered = new MeteredStore(broker.store(), listener);
    try (TestBroker other =
            TestBroker.startOn(
                metered,
                new TestBroker.SteppedClock(),
                "admin.enabled",
                "true",
                "admin.token",
                AdminClient.TOKEN);
        Stream<String> lines = new AdminClient(other).listen()) {
      assertThat(lines.anyMatch(line -> line.startsWith("data:"))).isTrue();
    }
    assertThat(threads).isNotEmpty().noneMatch(name -> name.contains("I/O"));
  }
}
