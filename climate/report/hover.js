for (const holder of document.querySelectorAll("script.stops")) {
  const stops = JSON.parse(holder.textContent);
  const picture = holder.parentElement;
  const image = picture.querySelector("img");
  const frame = picture.parentElement;
  const dot = picture.appendChild(document.createElement("span"));
  const tip = picture.appendChild(document.createElement("span"));
  dot.className = "dot";
  tip.className = "tip";
  tip.setAttribute("role", "status");
  dot.hidden = tip.hidden = true;
  let current = -1;

  const hide = () => { dot.hidden = tip.hidden = true; };
  const show = (place) => {
    const [x, y, text] = stops[place];
    const scale = image.clientWidth / image.getAttribute("width");
    current = place;
    dot.hidden = tip.hidden = false;
    tip.textContent = text;
    dot.style.left = `${x * scale}px`;
    dot.style.top = `${y * scale}px`;
    const left = frame.scrollLeft, right = left + frame.clientWidth - tip.offsetWidth;
    tip.style.left = `${Math.max(left, Math.min(x * scale - tip.offsetWidth / 2, right))}px`;
    const above = y * scale - tip.offsetHeight - 14;
    tip.style.top = `${above < 0 ? y * scale + 14 : above}px`;
  };
  const nearest = (event) => {
    const box = image.getBoundingClientRect();
    const scale = box.width / image.getAttribute("width");
    const x = (event.clientX - box.left) / scale, y = (event.clientY - box.top) / scale;
    let best = 0, least = Infinity;
    stops.forEach(([px, py], place) => {
      const distance = (px - x) ** 2 + 0.5 * (py - y) ** 2;
      if (distance < least) { least = distance; best = place; }
    });
    show(best);
  };
  image.addEventListener("pointermove", nearest);
  image.addEventListener("pointerdown", nearest);
  image.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
  frame.addEventListener("blur", hide);
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") hide();
    if (!step) return;
    event.preventDefault();
    const place = (current + step + stops.length) % stops.length;
    const x = stops[place][0] * image.clientWidth / image.getAttribute("width");
    if (x < frame.scrollLeft || x > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = x - frame.clientWidth / 2;
    show(place);
  });
}
