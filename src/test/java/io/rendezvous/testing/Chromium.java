package io.rendezvous.testing;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Chromium that does as a person would, driven by Playwright. */
public final class Chromium implements AutoCloseable {
  private static final double PATIENCE = 30_000;

  private final Playwright playwright;
  private final Browser browser;

  /** Starts the Chromium of this machine, headless, with the Node of this machine as its driver. */
  public Chromium() {
    Map<String, String> environment =
        Map.of("PLAYWRIGHT_NODEJS_PATH", program("node"), "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    playwright = Playwright.create(new Playwright.CreateOptions().setEnv(environment));
    browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(Path.of(program("chromium")))
                    .setArgs(
                        List.of(
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-quic",
                            "--no-first-run",
                            "--disable-background-networking",
                            "--disable-component-update",
                            "--disable-sync")));
  }

  private static String program(String name) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .map(directory -> Path.of(directory, name))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no " + name))
        .toString();
  }

  /** Opens a page with cookies of its own; closing it forgets them. */
  public Page page(int width, int height) {
    Page page = browser.newPage(new Browser.NewPageOptions().setViewportSize(width, height));
    page.setDefaultTimeout(PATIENCE);
    return page;
  }

  /** Opens a page that accepts every certificate, with cookies of its own. */
  public Page trustingPage() {
    Page page = browser.newPage(new Browser.NewPageOptions().setIgnoreHTTPSErrors(true));
    page.setDefaultTimeout(PATIENCE);
    return page;
  }

  /** Opens a page whose user answers the prompts for a user name and password. */
  public Page answeringPage(String user, String password) {
    Page page =
        browser.newPage(
            new Browser.NewPageOptions()
                .setIgnoreHTTPSErrors(true)
                .setHttpCredentials(user, password));
    page.setDefaultTimeout(PATIENCE);
    return page;
  }

  @Override
  public void close() {
    playwright.close();
  }
}
