// What the theme leaves out for those who use a keyboard or a screen reader.
addEventListener("DOMContentLoaded", () => {
  const set = (chosen, name, value) =>
    document.querySelectorAll(chosen).forEach((each) => each.setAttribute(name, value));
  set(".sidebar-drawer", "aria-label", "Pages");
  set(".toc-drawer", "aria-label", "On this page");
  set(".caption[role=heading]", "aria-level", "2");
  // A signature of several lines is no list of definitions.
  document.querySelectorAll("dt dl > dd, dt dl").forEach((each) => {
    const line = document.createElement("span");
    line.className = "parameter";
    line.append(...each.childNodes);
    each.replaceWith(line);
  });
  const scrolled = () =>
    document.querySelectorAll("pre, .table-wrapper, .picture, .formula").forEach((each) => {
      if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
      else each.removeAttribute("tabindex");
    });
  addEventListener("resize", scrolled);
  scrolled();
});
