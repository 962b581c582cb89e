// folium's own popups are built with jQuery.
import $ from 'jquery';

window.$ = $;
window.jQuery = $;
