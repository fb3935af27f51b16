"""How every page looks: to eyes (screenshots), to assistive technology (axe), and to those who read Chinese."""
