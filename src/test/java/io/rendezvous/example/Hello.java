package io.rendezvous.example;

import io.rendezvous.agent.HiddenServer;
import io.rendezvous.entry.Provisioning;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A web server without a port that is reached through a broker: {@code Hello home.json}. */
public final class Hello {
  private Hello() {}

  /** Starts the hidden server of a provisioning file. */
  public static HiddenServer start(Path provisioning) throws IOException {
    Provisioning entry = Provisioning.parse(Files.readString(provisioning));
    return HiddenServer.of(entry)
        .events(event -> System.out.println(event.text()))
        .serve(exchange -> exchange.getResponseSender().send("Hello from inside a program\n"));
  }

  /** Serves until the process ends. */
  public static void main(String[] arguments) throws Exception {
    try (HiddenServer server = start(Path.of(arguments[0]))) {
      while (true) {
        TimeUnit.MINUTES.sleep(1);
        System.out.println(server.status().parked() + " tunnels are parked");
      }
    }
  }
}
