/** The text on the cart's badge. */
export function cartBadge(items) {
  const count = items.map((item) => item.quantity).reduce((sum, quantity) => sum + quantity);
  return count === 1 ? '1 item' : `${count} items`;
}
